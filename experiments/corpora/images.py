"""A smaller data set out of a larger one: fewer images, and fewer pixels.

    python -m experiments.corpora.images --data CIFAR10 --size 16 --train 5000 --val 2000 \
        --test 2000 --out cifar10-16px.npz

The first images of each class are taken, as many of each; the validation images are the next ones
of the training images. Pixels are means of the larger image's, rounded.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from experiments.cli import command
from nas.core.errors import InvalidOption
from nas.core.files import write_bytes
from nas.training.data import DataSet, Images, load_data


def images(data: str, size: int, train: int, val: int, test: int, out: Path) -> None:
    """Writes the file that `nas collect --data npz:FILE` reads.

    Args:
        data: as in `nas collect`.
        size: height and width of the new images; the old ones' must be a multiple.
        train: number of training images, a multiple of the classes.
        val: of validation images, likewise.
        test: of test images, likewise.
        out: the .npz file.
    """
    write_smaller(load_data(data), size, train, val, test, out)


def write_smaller(data: DataSet, size: int, train: int, val: int, test: int, out: Path) -> None:
    """Writes such a file, whole or not at all, and its folder."""
    file = BytesIO()
    np.savez_compressed(file, **smaller(data, size, train, val, test))
    write_bytes(out, file.getbuffer())


def smaller(data: DataSet, size: int, train: int, val: int, test: int) -> dict[str, Any]:
    """The arrays of such a file: images (n, size, size[, 3]) uint8 and labels (n,).

    Raises:
        InvalidOption: the data set has too few images or other sizes.
    """
    if data.test is None:
        raise InvalidOption(f"{data.name} must have test images, but has none")
    known, tested = _arrays(data.train, data.val), _arrays(data.test)
    rest = first_of_each(known[1], train, data)
    parts = {
        "train": (known, rest),
        "val": (known, first_of_each(known[1], val, data, leave_out=rest)),
        "test": (tested, first_of_each(tested[1], test, data)),
    }
    arrays = {}
    for name, ((pixels, labels), places) in parts.items():
        arrays[f"{name}_images"] = shrunk(pixels[places], size)
        arrays[f"{name}_labels"] = labels[places]
    return arrays


def _arrays(*parts: Images) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of all parts."""
    images, labels = zip(*parts, strict=True)
    return np.concatenate([each.numpy() for each in images]), np.concatenate(
        [each.numpy() for each in labels]
    )


def first_of_each(
    labels: np.ndarray, count: int, data: DataSet, leave_out: np.ndarray | None = None
) -> np.ndarray:
    """Places of the first `count` images, as many of each class, in their order."""
    free = np.ones(len(labels), bool)
    free[[] if leave_out is None else leave_out] = False
    classes = data.input.classes
    each = [np.flatnonzero(free & (labels == label)) for label in range(classes)]
    if count < classes or count % classes or count // classes > min(map(len, each)):
        raise InvalidOption(
            f"train, val and test must be multiples of the {classes} classes, within what "
            f"{data.name} has, but got {count}, where {sum(map(len, each))} images are left"
        )
    return np.sort(np.concatenate([places[: count // classes] for places in each]))


def shrunk(images: np.ndarray, size: int) -> np.ndarray:
    """Images (n, channels, h, w) as (n, size, size[, channels]) by the means of their pixels."""
    count, channels, height, width = images.shape
    if size < 1 or height % size or width % size:
        raise InvalidOption(f"--size must divide {height} and {width}, but got {size}")
    tiles = images.reshape(count, channels, size, height // size, size, width // size)
    means: np.ndarray = tiles.mean((3, 5)).round().astype(np.uint8).transpose(0, 2, 3, 1)
    return means[..., 0] if channels == 1 else means


if __name__ == "__main__":
    sys.exit(command(images))
