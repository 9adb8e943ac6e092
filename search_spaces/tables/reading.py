"""What all importers share: finding the file, and one clear line where it is not upstream's."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nas.core.corpus import Corpus, Header
from nas.core.errors import InvalidCorpus, NasError
from nas.core.records import Record

# What a file that is not upstream's may lead to: no numbers, too large ones, a division by zero,
# missing columns or keys, a field or a nesting without end.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    csv.Error,
)


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
    """Turns what goes wrong while reading `file` into one line that names it.

    Raises:
        InvalidCorpus: something could not be read.
    """
    try:
        yield
    except NasError as error:
        raise InvalidCorpus(f"{file} must be upstream's file, but: {error}") from error
    except _UNREADABLE as error:
        raise InvalidCorpus(
            f"{file} must be upstream's file, but it cannot be read: {error!r}"
        ) from error


def corpus_of(file: Path, header: Header, records: Sequence[Record]) -> Corpus:
    """The corpus of what was read from `file`.

    Raises:
        InvalidCorpus: that is nothing.
    """
    if not records:
        raise InvalidCorpus(
            f"{file} must hold trained networks, but there is none in it; get upstream's file again"
        )
    return Corpus(header, tuple(records))
