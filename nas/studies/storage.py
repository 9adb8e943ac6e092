"""Where studies are kept: what `--storage` may say, opened."""

from __future__ import annotations

import os
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend

from nas.core.errors import InvalidStudy

HEARTBEAT, GRACE = 10, 30  # seconds
_SQLITE_TIMEOUT = 60  # seconds that a writer waits for the others
_GRPC_TIMEOUT = 10  # seconds
_TRIES = 4  # two commands that make the tables at once get into each other's way


@contextmanager
def opened(url: str | os.PathLike[str], create: bool = True) -> Iterator[BaseStorage]:
    """An Optuna storage, closed at the end.

    Args:
        url: the path of an SQLite file, any database URL that Optuna takes (`sqlite:///…`,
            `postgresql://…`, `mysql://…`), `journal:PATH`, or `grpc://HOST:PORT`.
        create: whether files and tables are made where they are missing.

    Raises:
        InvalidStudy: it cannot be opened.
    """
    text = os.fspath(url)
    try:
        backend = _open(text, create)
    except InvalidStudy:
        raise
    except Exception as error:  # each database driver has its own
        raise InvalidStudy(
            f"the storage {_without_password(text)} must be one that can be opened, but "
            f"{_reason(error)}; {_advice(error, text)}"
        ) from error
    try:
        yield get_storage(backend)  # wraps a database in Optuna's cache
    finally:
        if isinstance(backend, RDBStorage):
            backend.remove_session()
            backend.engine.dispose()
        elif isinstance(backend, GrpcStorageProxy):
            backend.close()


@contextmanager
def experimental() -> Iterator[None]:
    """Uses of what Optuna calls experimental, without the warning each time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def not_answering(error: BaseException) -> InvalidStudy:
    """What to raise where a storage that was opened fails for long."""
    return InvalidStudy(
        f"the storage must keep answering, but does not: {_reason(error)}; run again to go on"
    )


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
    return JournalStorage(JournalFileBackend(str(path)))


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
    options: dict[str, Any] = {"poolclass": NullPool}
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
    for attempt in range(_TRIES):
        with suppress(*_clashes(last=attempt == _TRIES - 1)):
            return _connect(url, options)
        time.sleep(0.2 * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _connect(url: str, options: dict[str, Any]) -> RDBStorage:
    with experimental():  # the heartbeat; braces because Optuna fills in {SCHEMA_VERSION}
        return RDBStorage(
            url.replace("{", "{{").replace("}", "}}"),
            engine_kwargs=options,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
        )


def _clashes(last: bool) -> tuple[type[Exception], ...]:
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    return () if last else (IntegrityError, OperationalError, ProgrammingError)


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


def _check_file(path: Path, create: bool) -> None:
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise InvalidStudy(f"the storage {path} must exist, but there is no such file")


def _without_password(url: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def _reason(error: BaseException) -> str:
    while isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__:
        error = error.__cause__  # Optuna's own text says nothing
    while isinstance(error, ImportError) and error.__cause__:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]


def _advice(error: Exception, url: str) -> str:
    if isinstance(error, ImportError) and url.startswith("grpc://"):
        return "pip install 'peephole-nas[grpc]'"
    if isinstance(error, ImportError):
        return "install it with pip, or name another driver, as in postgresql+psycopg2://…"
    if isinstance(error, ConnectionError):
        return "start 'optuna.storages.run_grpc_proxy_server' there, or give another --storage"
    if "too many" in _reason(error):
        return "let the server take more, or put Optuna's gRPC proxy before it"
    return "check the address, or give another --storage"
