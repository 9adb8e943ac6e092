"""Folders of images in ImageNet's layout: a folder a class under train/, val/ and perhaps test/."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from nas.core.errors import InvalidData

LISTED = 8
"""Names that a message lists at most."""

_AT_ONCE = 100  # images that a thread decodes before it takes others
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


@dataclass(frozen=True, eq=False)
class Files:
    """The images of one part, not read yet.

    Attributes:
        name: of the data set, put before each message.
        paths: one an image.
        labels: numbers of their classes.
        classes: names of the classes, sorted.
    """

    name: str
    paths: Sequence[str]
    labels: Sequence[int]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.paths)

    def read(self, index: int) -> Image.Image:
        """One image in colours."""
        return read_image(self.name, self.paths[index], "RGB")


def read_folders(name: str, path: Path) -> dict[str, Files]:
    """The images of train/, val/ and, if there is one, test/.

    Raises:
        InvalidData: a folder is missing, a class has no image or is not in all parts.
    """
    names = ["train", "val", *(["test"] if (path / "test").is_dir() else [])]
    parts = {part: _read_folder(name, path, part) for part in names}
    for part, files in parts.items():
        differing = sorted(set(files.classes) ^ set(parts["train"].classes))
        if differing:
            raise InvalidData(
                f"{name}: {part}/ must have the classes of train/, but they differ in "
                f"{_listed(differing)}; give both the same folders"
            )
    return parts


def digest_of(parts: Mapping[str, Files], path: Path) -> str:
    """A hash of the images' names, relative to the folder, and their labels."""
    found = hashlib.sha256()
    for part, files in parts.items():
        for file, label in zip(files.paths, files.labels, strict=True):
            found.update(
                f"{part} {label} {file.removeprefix(str(path))}\n".encode(errors="replace")
            )
    return found.hexdigest()


def read_image(name: str, file: str, mode: Literal["L", "RGB"] | None = None) -> Image.Image:
    """An image of 8 bits a channel, read and checked.

    Args:
        name: of the data set, for the message.
        file: path of the image.
        mode: "L" is grey, "RGB" coloured; None keeps what the image is.

    Raises:
        InvalidData: it is missing or broken.
    """
    try:
        with Image.open(file) as image, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")  # broken remarks beside a whole image
            grey = image.mode in ("1", "L", "LA")
            return image.convert(mode or ("L" if grey else "RGB"))
    except _UNREADABLE as error:
        raise _unreadable(name, file) from error


def check_images(files: Files) -> None:
    """Decodes every image, JPEGs at an eighth of their size, in as many threads as there are cores.

    Raises:
        InvalidData: one is missing or broken.
    """
    parts = [files.paths[at : at + _AT_ONCE] for at in range(0, len(files), _AT_ONCE)]
    with ThreadPoolExecutor() as pool, warnings.catch_warnings():  # decoding leaves Python alone
        warnings.filterwarnings("ignore", module="PIL")
        for _ in pool.map(lambda paths: _decode(files.name, paths), parts):
            pass


def _decode(name: str, paths: Sequence[str]) -> None:
    for path in paths:
        try:
            with Image.open(path) as image:
                image.draft("RGB", (1, 1))
                image.load()
        except _UNREADABLE as error:
            raise _unreadable(name, path) from error


def _unreadable(name: str, file: str) -> InvalidData:
    return InvalidData(
        f"{name}: every image must be readable, but {file} is not; replace or remove it"
    )


def _read_folder(name: str, path: Path, part: str) -> Files:
    from torchvision.datasets import ImageFolder  # type: ignore[import-untyped]

    try:
        folder = ImageFolder(str(path / part), allow_empty=True)
    except OSError as error:
        raise InvalidData(
            f"{name} must have train/ and val/ with one folder of images for each class, but "
            f"{path / part} has none; make them, or check the path"
        ) from error
    empty = sorted(set(range(len(folder.classes))) - set(folder.targets))
    if empty:
        raise InvalidData(
            f"{name}: each class must have images in {part}/, but "
            f"{_listed(folder.classes[each] for each in empty)} has none; add some or remove it"
        )
    paths = [file for file, _ in folder.samples]
    return Files(name, paths, folder.targets, tuple(folder.classes))


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return ", ".join(known[:LISTED]) + more
