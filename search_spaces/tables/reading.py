"""What all importers share: finding the file, and one clear line where it is not upstream's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nas.core.errors import InvalidCorpus


def find(path: Path, name: str, upstream: str) -> Path:
    """The file itself, or the one of that name in the folder.

    Raises:
        InvalidCorpus: it is not there.
    """
    file = path / name if path.is_dir() else path
    if not file.is_file():
        raise InvalidCorpus(
            f"the table needs {name}, but {file} is not there; get it from {upstream}"
        )
    return file


@contextmanager
def upstreams(file: Path) -> Iterator[None]:
    """Turns what goes wrong while reading `file` into one line.

    Raises:
        InvalidCorpus: something could not be read.
    """
    try:
        yield
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InvalidCorpus(
            f"{file} must be upstream's file, but it cannot be read: {error!r}"
        ) from error
