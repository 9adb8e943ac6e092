import errno
import logging
import os
import subprocess
import sys

import optuna
import pytest
from optuna.exceptions import StorageInternalError

from nas.core.errors import DiskFull, InvalidStudy
from nas.search.quiet import quiet
from nas.studies import opened
from nas.studies import storage as storage_module
from nas.studies.storage import at_once


@pytest.mark.parametrize("form", ["{}/a.db", "sqlite:///{}/a.db", "journal:{}/a.log", "{}/{{x}}"])
def test_a_storage_keeps_a_study(form, tmp_path):
    url = form.format(tmp_path)
    with quiet(), opened(url) as storage:
        optuna.create_study(study_name="s", storage=storage)
    with opened(url, create=False) as storage:
        assert [s.study_name for s in storage.get_all_studies()] == ["s"]


def test_a_path_is_an_sqlite_file(tmp_path):
    with opened(tmp_path / "a.db"):
        pass
    assert (tmp_path / "a.db").read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("url", ["a.db", "journal:a.log", "sqlite:///a.db"])
def test_what_is_missing_is_not_made_for_reading(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidStudy, match="must exist"), opened(url, create=False):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["{}/a.db", "journal:{}/a.log", "sqlite:///{}/a.db"])
def test_a_folder_that_is_missing_is_not_made(url, tmp_path):
    url = url.format(tmp_path / "unmounted")
    assert "must lie in a folder, but '" in one_line(url)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["journal:", "."])
def test_a_folder_is_no_file(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "must be the path of a file, but '.' is a folder" in one_line(url)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    assert "file' is none; make it" in one_line(f"{tmp_path}/file/a.db")


def one_line(url):
    with pytest.raises(InvalidStudy) as caught, opened(url):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_broken_sqlite_file(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all" * 100)
    assert "not a database" in one_line(path)
    assert path.read_bytes() == b"no database at all" * 100


def test_a_broken_journal(tmp_path):
    path = tmp_path / "a.log"
    for content in ("no journal", "no journal\nat all\n", '{"op":1}'):
        path.write_text(content)
        assert "a.log must be a journal of Optuna's, but begins with b" in one_line(
            f"journal:{path}"
        )
        assert path.read_text() == content


@pytest.mark.parametrize("half", ['{"op_code":2,"worker', '{"o', '{"op_code":2,"study_id":0}'])
def test_a_journal_gets_over_a_line_that_was_cut_off(half, tmp_path):
    path = tmp_path / "a.log"
    for name in ("one", "two"):
        with quiet(), opened(f"journal:{path}") as storage:
            optuna.create_study(study_name=name, storage=storage)
        with path.open("a") as file:
            file.write(half)
    with opened(f"journal:{path}") as storage:
        assert [s.study_name for s in storage.get_all_studies()] == ["one", "two"]
    assert not path.with_name("a.log.lock").is_symlink()


def test_a_journal_that_is_gone_keeps_no_lock(tmp_path):
    path = tmp_path / "a.log"
    with opened(f"journal:{path}") as storage:
        path.unlink()
        with pytest.raises(FileNotFoundError):
            storage._backend.append_logs([{"op_code": 1}])
        with pytest.raises(InvalidStudy, match=r"can be read and written, but: .*No such file"):
            storage.get_all_studies()
    assert not list(tmp_path.iterdir())


def gone(cause="connection refused"):
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = Exception(cause)
    return error


def test_calls_of_optuna_wait_too(toy_study, monkeypatch):
    backend = toy_study._storage._backend
    real, errors, waits = backend.get_study_user_attrs, iter([gone()] * 4), []

    def read(study_id):
        for error in errors:
            raise error
        return real(study_id)

    monkeypatch.setattr(backend, "get_study_user_attrs", read)
    monkeypatch.setattr(storage_module.time, "sleep", waits.append)
    assert "header" in toy_study.study.user_attrs
    assert waits == [0.2, 0.4, 0.8, 1.6]


def test_a_full_disk_is_not_waited_for(toy_study, monkeypatch):
    refuse(toy_study, monkeypatch, gone("database or disk is full"))
    with pytest.raises(StorageInternalError):
        toy_study.study.set_user_attr("a", 1)


@pytest.mark.parametrize(
    ("code", "told", "waits"),
    [
        (errno.ENOSPC, DiskFull, []),
        (errno.EDQUOT, DiskFull, []),
        (errno.EROFS, InvalidStudy, []),
        (errno.ESTALE, InvalidStudy, [0.2]),
    ],
)
def test_what_a_journals_file_meets_is_told_in_one_line(code, told, waits, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(storage_module, "_LONGEST", 601.0)
    monkeypatch.setattr(storage_module, "_FIRST", 0.2)
    monkeypatch.setattr(storage_module.time, "sleep", waited.append)
    with pytest.raises(told, match=os.strerror(code)) as error:
        with quiet(), opened(f"journal:{tmp_path}/a.log") as storage:
            refused = raising(OSError(code, os.strerror(code)))
            monkeypatch.setattr(storage._backend, "append_logs", refused)
            optuna.create_study(study_name="s", storage=storage)
    assert "\n" not in str(error.value) and waited[:1] == waits


def test_at_once_nothing_is_waited_for_and_nothing_raised(toy_study, monkeypatch):
    refuse(toy_study, monkeypatch, gone())
    with at_once():
        toy_study.study.set_user_attr("a", 1)
        raise AssertionError("it fails before")


def refuse(trials, monkeypatch, error):
    def fail(*args):
        raise error

    def wait(seconds):
        raise AssertionError("it is waited for")

    monkeypatch.setattr(trials._storage._backend, "set_study_user_attr", fail)
    monkeypatch.setattr(storage_module.time, "sleep", wait)


def test_what_fails_for_long_is_told_in_one_line(storage, toy_study, monkeypatch):
    monkeypatch.setattr(storage_module, "_LONGEST", 601.0)
    monkeypatch.setattr(storage_module.time, "sleep", lambda seconds: None)
    with pytest.raises(InvalidStudy, match="answering, but does not: connection refused; run"):
        with opened(storage) as backend:
            monkeypatch.setattr(backend._backend, "get_study_user_attrs", raising(gone()))
            backend.get_study_user_attrs(0)


def raising(error):
    def fail(*args):
        raise error

    return fail


def test_a_database_without_server_or_driver():
    for password in ("secret", "my secret"):
        message = one_line(f"postgresql://me@here:{password}@127.0.0.1:1/db")
        assert "secret" not in message and "me@here:***@" in message


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_storage_inside_one_process_is_refused(url):
    assert "share" in one_line(url)


def test_an_unknown_database():
    assert "give another --storage" in one_line("nosuch://host/db")


def test_the_driver_of_mysql_is_called_by_its_name_on_pypi(monkeypatch):
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    assert "install it with pip as mysqlclient, or" in one_line("mysql://host/db")


def test_a_grpc_address_without_a_port():
    assert "grpc://HOST:PORT" in one_line("grpc://localhost")


def test_grpc_without_its_library():
    code = (
        "import sys; sys.modules['grpc'] = None\n"
        "from nas.studies import opened\n"
        "with opened('grpc://localhost:1'): pass"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("nas.core.errors.InvalidStudy: the storage grpc://localhost:1 must be")
    assert last.endswith("; pip install 'peephole-nas[grpc]'")


def test_quiet_restores_what_was_set():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.INFO)
    with quiet():
        assert optuna.logging.get_verbosity() == logging.WARNING
    assert optuna.logging.get_verbosity() == logging.INFO
    optuna.logging.set_verbosity(before)
