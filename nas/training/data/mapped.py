"""One copy of a large data set for all processes: files that each of them maps into its memory."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch

from nas.core.architecture import Input
from nas.training.data.dataset import DataSet, Images

SMALL = 16 * 2**20
"""Bytes below which each process has a copy of its own."""

_FORMAT = 2
_FACTS = "data.json"
_PARTS = ("train", "val", "test")
_UNREADABLE = (OSError, EOFError, ValueError)  # not there, somebody else's, or cut off

_logger = logging.getLogger(__name__)


def cache() -> Path:
    """The folder for downloads and mapped data: NAS_DATA, else ~/.cache/nas."""
    return Path(os.environ.get("NAS_DATA") or "~/.cache/nas").expanduser()


def mapped(source: Sequence[str], files: Iterable[Path], make: Callable[[], DataSet]) -> DataSet:
    """The data set that `make` gives, out of the cache's files if it is large.

    The first process writes them; whoever comes later reads neither images nor archives again. A
    cache that cannot be read or written costs memory, and nothing else.

    Args:
        source: tells it from other data sets.
        files: that it is made of; when one of them changes, it is made again.
        make: loads it.
    """
    try:
        digest = hashlib.sha256(json.dumps([_FORMAT, *source, _stamp(files)]).encode()).hexdigest()
    except OSError:  # a file is missing, as loading will tell
        return make()
    folder = cache() / "mapped" / digest[:16]
    with suppress(*_UNREADABLE):
        return _read(folder)
    data = make()
    if _bytes_of(data) < SMALL:
        return data
    try:
        _write(data, folder)
        return _read(folder)
    except _UNREADABLE as error:
        _logger.info("%s is not shared between processes: %s", data.name, error)
        return data


def _stamp(files: Iterable[Path]) -> list[tuple[str, int, int]]:
    stats = [(str(file.absolute()), file.stat()) for file in sorted(files)]
    return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]


def _bytes_of(data: DataSet) -> int:
    return sum(tensor.nbytes for part in (data.train, data.val, data.test or ()) for tensor in part)


def _write(data: DataSet, folder: Path) -> None:
    """All files in a folder of their own, whose rename makes them valid at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f"{folder.name}.{uuid4().hex}.tmp")
    temporary.mkdir()  # for all users who may share the cache, as the umask says
    try:
        for name, part in zip(_PARTS, (data.train, data.val, data.test), strict=True):
            for field, tensor in zip(Images._fields, part or (), strict=part is not None):
                np.save(temporary / f"{name}_{field}.npy", tensor.numpy())
        facts = {
            "name": data.name,
            "input": data.input,
            "tested": data.test is not None,
            "mean": data.mean,
            "std": data.std,
        }
        (temporary / _FACTS).write_text(json.dumps(facts))
        try:
            _read(folder)  # another process was faster
        except _UNREADABLE:
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read(folder: Path) -> DataSet:
    facts = json.loads((folder / _FACTS).read_text())
    train, val = (_part(folder, name) for name in ("train", "val"))
    test = _part(folder, "test") if facts["tested"] else None
    mean, std = tuple(facts["mean"]), tuple(facts["std"])
    return DataSet(facts["name"], Input(*facts["input"]), train, val, test, mean, std)


def _part(folder: Path, name: str) -> Images:
    files = [folder / f"{name}_{field}.npy" for field in Images._fields]
    # "c": pages are shared with all processes; one that were written to would be the writer's own.
    return Images(*(torch.from_numpy(np.load(file, mmap_mode="c")) for file in files))
