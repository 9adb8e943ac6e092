"""Writing files so that a reader finds the old content or the new one, never half of it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

from nas.core.errors import DiskFull, InvalidOption


def write_bytes(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Writes through a temporary file beside it and a rename; makes the folders.

    Raises:
        DiskFull: there is no room for it.
        InvalidOption: the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.tmp")  # machines may share the folder
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        check_space(error)
        raise InvalidOption(f"{path} must be a file that can be written, but: {error}") from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """`write_bytes` for text, as UTF-8."""
    write_bytes(path, text.encode())


def check_folder(path: Path, name: str) -> None:
    """Makes a folder where it is missing.

    Raises:
        DiskFull: there is no room for it.
        InvalidOption: no file can be written there; `name` is the option that asks for it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        check_space(error)
        raise InvalidOption(f"{name} must be a folder that can be written, but: {error}") from error


def check_space(error: OSError) -> None:
    """Raises DiskFull where that is what the error says."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" for {error.filename}" if error.filename else ""
        raise DiskFull(
            f"the disk must have room{place}, but: {error.strerror}; make some, and run again to "
            "go on"
        ) from error
