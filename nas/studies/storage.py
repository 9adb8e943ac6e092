"""Where studies are kept: what `--storage` may say, opened."""

from __future__ import annotations

import errno
import logging
import os
import re
import sqlite3
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from nas.core.errors import InvalidStudy, without_passwords
from nas.core.files import check_space

HEARTBEAT, GRACE = 10, 30  # seconds
_SQLITE_TIMEOUT = 60  # seconds that a writer waits for the others
_GRPC_TIMEOUT = 10  # seconds
_PATIENCE: ContextVar[float] = ContextVar("_PATIENCE", default=600.0)
"""Seconds that a storage may fail for, as where a database moves to another machine: what is being
trained meanwhile is worth more than the wait."""

_BRIEFLY = 1.5  # seconds: two commands that make the tables at once get into each other's way
_FIRST, _LONGEST = 0.2, 30.0  # seconds from one question to the next
_LASTING = ("disk is full", "readonly database")  # what waiting does not mend
_HICCUPS = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT)  # what a file system of a network gets over

_LINE = b'{"op_code":'  # how each line of a journal begins

_logger = logging.getLogger(__name__)
T = TypeVar("T")


@contextmanager
def opened(
    url: str | os.PathLike[str], create: bool = True, patient: bool = False
) -> Iterator[BaseStorage]:
    """An Optuna storage, closed at the end. Its calls wait out failures of some minutes.

    Args:
        url: the path of an SQLite file, any database URL that Optuna takes (`sqlite:///…`,
            `postgresql://…`, `mysql://…`), `journal:PATH`, or `grpc://HOST:PORT`.
        create: whether files and tables are made where they are missing; folders never are.
        patient: waits as long for the opening itself: for workers, whose command has opened it.

    Raises:
        InvalidStudy: it cannot be opened, or fails for longer.
    """
    text = os.fspath(url)
    try:
        patience = _PATIENCE.get() if patient else _BRIEFLY
        backend = waited(lambda: _open(text, create), _clashes(), patience)
    except InvalidStudy:
        raise
    except Exception as error:  # each database driver has its own
        raise InvalidStudy(
            f"the storage {without_passwords(text)} must be one that can be opened, but "
            f"{_reason(error)}; {_advice(error, text)}"
        ) from error
    try:
        yield _waiting(get_storage(backend))  # which wraps a database in Optuna's cache
    except passing() as error:
        raise InvalidStudy(
            f"the storage must keep answering, but does not: {_reason(error)}; run again to go on"
        ) from error
    finally:
        if isinstance(backend, RDBStorage):
            backend.remove_session()
            backend.engine.dispose()
        elif isinstance(backend, GrpcStorageProxy):
            backend.close()


@contextmanager
def at_once() -> Iterator[None]:
    """Within it a storage that fails is not waited for; what could not be done is left undone."""
    before = _PATIENCE.set(0.0)
    try:
        with suppress(*passing()):
            yield
    finally:
        _PATIENCE.reset(before)


def passing() -> tuple[type[Exception], ...]:
    """Errors of an open storage that may be gone in a while."""
    grpc = sys.modules.get("grpc")
    return (StorageInternalError,) if grpc is None else (StorageInternalError, grpc.RpcError)


def waited(call: Callable[[], T], errors: tuple[type[Exception], ...], patience: float) -> T:
    """What the call returns once it raises none of these errors; after so many seconds it may."""
    pause, end = _FIRST, time.monotonic() + patience
    while True:
        try:
            return call()
        except errors as error:
            why = _reason(error)
            if time.monotonic() + pause > end or any(each in why for each in _LASTING):
                raise
            if pause > 1:
                _logger.warning("the storage fails and is asked again in %.0f s: %s", pause, why)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)


def _waiting(storage: BaseStorage) -> BaseStorage:
    """The same storage, all of whose calls, Optuna's own too, wait where it fails.

    A heartbeat is none of them: it is worth nothing later.
    """
    for name in dir(BaseStorage):
        if not name.startswith("_"):
            setattr(storage, name, _waiting_call(getattr(storage, name)))
    return storage


def _waiting_call(call: Callable[..., T]) -> Callable[..., T]:
    def in_one_kind(*args: Any, **more: Any) -> T:
        try:
            return call(*args, **more)
        except OSError as error:  # of a journal's file
            if error.errno in _HICCUPS:
                raise StorageInternalError(str(error)) from error
            check_space(error)
            raise InvalidStudy(
                f"the storage must be a file that can be read and written, but: {error}; give "
                "another --storage"
            ) from error

    @wraps(call)
    def waiting(*args: Any, **more: Any) -> T:
        patience = _PATIENCE.get()
        before = _PATIENCE.set(0.0)  # for the calls inside this one
        try:
            return waited(lambda: in_one_kind(*args, **more), passing(), patience)
        finally:
            _PATIENCE.reset(before)

    return waiting


@contextmanager
def experimental() -> Iterator[None]:
    """Uses of what Optuna calls experimental, without the warning each time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def _open(url: str, create: bool) -> BaseStorage:
    if url.startswith("journal:"):
        return _journal(Path(url.removeprefix("journal:")), create)
    if url.startswith("grpc://"):
        return _grpc(url)
    if "://" not in url:
        url = f"sqlite:///{url}"
    return _database(url, create)


def _journal(path: Path, create: bool) -> JournalStorage:
    _check_file(path, create)
    _check_journal(path)
    return JournalStorage(JournalFileBackend(str(path), _WholeLines(str(path))))


class _WholeLines(JournalFileSymlinkLock):
    """The lock to append under; whoever gets it removes the half line of one that was cut off.

    A process that is killed, or finds no room, may leave such a line behind. What is appended to it
    would make the journal unreadable.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._journal = path

    def acquire(self) -> bool:
        """Waits for the lock."""
        acquired = super().acquire()
        try:
            self._cut()
        except BaseException:
            self.release()
            raise
        return acquired

    def _cut(self) -> None:
        with open(self._journal, "rb+") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            if file.read() not in (b"", b"\n"):
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)


def _grpc(url: str) -> GrpcStorageProxy:
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        raise InvalidStudy(f"a gRPC storage must be grpc://HOST:PORT, but got {url!r}")
    with experimental():
        storage = GrpcStorageProxy(host=parts.hostname, port=parts.port)
    try:
        storage.wait_server_ready(timeout=_GRPC_TIMEOUT)
    except BaseException:
        storage.close()
        raise
    return storage


def _database(url: str, create: bool) -> RDBStorage:
    from sqlalchemy.pool import NullPool

    # A connection for each call: a server allows a hundred or so at a time, and a worker trains for
    # minutes between two calls.
    options: dict[str, Any] = {"poolclass": NullPool, "connect_args": _impatient(url)}
    if url.startswith("sqlite"):
        path = url.partition(":///")[2].partition("?")[0]
        if path in ("", ":memory:"):
            raise InvalidStudy(
                f"the workers must share the storage, but got {url!r}, which lives in one "
                "process; give the path of a file"
            )
        _check_file(Path(path), create)
        _check_sqlite(Path(path), create)
        options = {"connect_args": {"timeout": _SQLITE_TIMEOUT}}
    with experimental():  # the heartbeat; braces because Optuna fills in {SCHEMA_VERSION}
        return RDBStorage(
            url.replace("{", "{{").replace("}", "}}"),
            engine_kwargs=options,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
        )


def _clashes() -> tuple[type[Exception], ...]:
    """Errors of an opening that may be gone in a while."""
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    return ConnectionError, IntegrityError, OperationalError, ProgrammingError


def _impatient(url: str) -> dict[str, Any]:
    """Lets calls on a server that is gone without a word fail, so that they are tried again."""
    from sqlalchemy.engine import make_url

    if make_url(url).get_driver_name() not in ("psycopg2", "psycopg"):
        return {}
    return {
        "connect_timeout": HEARTBEAT,
        "keepalives_idle": GRACE,
        "keepalives_interval": HEARTBEAT,
        "tcp_user_timeout": GRACE * 1000,
    }


def _check_sqlite(path: Path, create: bool) -> None:
    """Refuses a file of somebody else before Optuna writes its tables into it."""
    if not path.is_file() or not path.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
            names = {name for (name,) in file.execute("select name from sqlite_master")}
    except sqlite3.OperationalError:
        return  # locked, or a journal to be played back: Optuna waits and does that
    except sqlite3.DatabaseError as error:
        raise InvalidStudy(
            f"the storage {path} must be an SQLite file, but: {error}; give another --storage"
        ) from error
    if "studies" not in names and (names or not create):
        raise InvalidStudy(
            f"the storage {path} must hold Optuna's tables, but holds {sorted(names) or 'none'}; "
            "give another --storage"
        )


def _check_journal(path: Path) -> None:
    """Refuses a file of somebody else before anything is appended to it."""
    if path.exists():
        with path.open("rb") as file:
            start = file.read(len(_LINE))
        if not _LINE.startswith(start):
            raise InvalidStudy(
                f"the storage {path} must be a journal of Optuna's, but begins with {start!r}; "
                "give another --storage"
            )


def _check_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise InvalidStudy(
            f"the storage must be the path of a file, but {str(path)!r} is a folder; name a file"
        )
    if create and not path.parent.is_dir():
        # Made here, a folder that other machines share but this one lacks would hide the others.
        raise InvalidStudy(
            f"the storage {path} must lie in a folder, but {str(path.parent)!r} is none; make it, "
            "or give another --storage"
        )
    if not create and not path.exists():
        raise InvalidStudy(f"the storage {path} must exist, but there is no such file")


def _reason(error: BaseException) -> str:
    while isinstance(error, StorageInternalError) and error.__cause__:
        error = error.__cause__  # Optuna's own text says nothing
    while isinstance(error, ImportError) and error.__cause__:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]


def _advice(error: Exception, url: str) -> str:
    if isinstance(error, ImportError) and url.startswith("grpc://"):
        return "pip install 'peephole-nas[grpc]'"
    if isinstance(error, ImportError):
        package = " as mysqlclient" if "MySQLdb" in _reason(error) else ""
        return (
            f"install it with pip{package}, or name another driver, as in postgresql+psycopg2://…"
        )
    if isinstance(error, ConnectionError):
        return "start 'optuna.storages.run_grpc_proxy_server' there, or give another --storage"
    if re.search("too many|connection slots", _reason(error), re.IGNORECASE):
        return "let the server take more, or put Optuna's gRPC proxy before it"
    return "check the address, or give another --storage"
