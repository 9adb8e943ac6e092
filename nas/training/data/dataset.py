"""A data set that lies in memory, checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nas.core.architecture import Input
from nas.core.errors import InvalidData

VALIDATION_SHARE = 0.1
SPLIT_SEED = 0


class Images(NamedTuple):
    """Images (n, channels, height, width) as uint8 and their labels (n,) as int64."""

    images: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Images:
        """The same on a device; a GPU is not waited for."""
        wait = device.type != "cuda"
        return Images(*(part.to(device, non_blocking=not wait) for part in self))


@dataclass(frozen=True, eq=False)
class DataSet:
    """Images to train, validate and test on.

    Attributes:
        name: what `load_data` was asked for.
        input: what it feeds a network (channels, height, width, classes).
        train: images to train on.
        val: images that tell how good a network is: the target of every record.
        test: images for final figures, never used to choose; None where there are none.
        mean: of each channel of the training images, in [0, 1].
        std: standard deviation of each channel of the training images, likewise.
    """

    name: str
    input: Input
    train: Images
    val: Images
    test: Images | None
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @cached_property
    def digest(self) -> str:
        """Differs where any image or label does."""
        found = hashlib.sha256()
        for part in (self.train, self.val, self.test or ()):
            for tensor in part:
                found.update(str(tuple(tensor.shape)).encode())
                found.update(tensor.cpu().contiguous().numpy().data)
        return found.hexdigest()

    def to(self, device: torch.device) -> DataSet:
        """The same on a device; itself where it lies there already."""
        if self.train.images.device == device:
            return self
        test = self.test and self.test.to(device)
        return replace(self, train=self.train.to(device), val=self.val.to(device), test=test)

    @classmethod
    def of(
        cls,
        name: str,
        train: tuple[Any, Any],
        val: tuple[Any, Any] | None = None,
        test: tuple[Any, Any] | None = None,
    ) -> DataSet:
        """A checked data set from pairs of numpy arrays (images, labels).

        Args:
            name: of the data set, put before each message.
            train: images (n, h, w), (n, h, w, 1) or (n, h, w, 3) as uint8; labels (n,), whole
                numbers from 0, each of which occurs.
            val: likewise; None takes a stratified tenth of the training images, always the same.
            test: likewise, if there are any.

        Raises:
            InvalidData: something is not as above; the message names it.
        """
        train_part = _images(name, "train", *train)
        classes = _classes(name, train_part.labels)
        if val is None:
            rest, held_out = _held_out(name, train_part.labels)
            val_part = Images(*(part[held_out] for part in train_part))
            train_part = Images(*(part[rest] for part in train_part))
        else:
            val_part = _images(name, "val", *val)
        test_part = test and _images(name, "test", *test)
        for part, images in (("val", val_part), ("test", test_part)):
            if images:
                _check_alike(name, part, images, train_part, classes)
        _, channels, height, width = train_part.images.shape
        size = Input(channels, height, width, classes)
        return cls(name, size, train_part, val_part, test_part, *_statistics(train_part.images))


def stratified(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (rest, taken): of each class the nearest whole number to `share`, at least 1."""
    rng, taken = np.random.default_rng(seed), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        taken[members[: max(1, int(len(members) * share + 0.5))]] = True
    return np.flatnonzero(~taken), np.flatnonzero(taken)


def _images(name: str, part: str, images: Any, labels: Any) -> Images:
    images, labels = np.asarray(images), np.asarray(labels)
    shape = images.shape
    shaped = images.ndim == 3 or (images.ndim == 4 and shape[3] in (1, 3))
    if images.dtype != np.uint8 or not shaped or 0 in shape:
        raise InvalidData(
            f"{name}: {part}_images must be uint8 of shape (n, h, w) or (n, h, w, 1 or 3), but got "
            f"{images.dtype} {shape}; scale to 0..255, put the channels last and convert to uint8"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.shape != shape[:1]:
        raise InvalidData(
            f"{name}: {part}_labels must be whole numbers, one for each of the {shape[0]} images, "
            f"but got {labels.dtype} {labels.shape}; give an integer array of shape ({shape[0]},)"
        )
    first = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return Images(
        torch.from_numpy(np.ascontiguousarray(first)), torch.from_numpy(labels.astype(np.int64))
    )


def _classes(name: str, labels: Tensor) -> int:
    found = np.unique(labels.numpy())
    if len(found) < 2 or not np.array_equal(found, np.arange(len(found))):
        raise InvalidData(
            f"{name}: train_labels must be 0, 1, ... up to the number of classes - 1, at least two "
            f"and each with an image, but got {_listed(found)}; number the classes without gaps"
        )
    return len(found)


def _listed(values: np.ndarray) -> str:
    words = [str(value) for value in values]
    return ", ".join(words if len(words) <= 8 else [*words[:4], "...", *words[-3:]])


def _held_out(name: str, labels: Tensor) -> tuple[Tensor, Tensor]:
    counts = torch.bincount(labels)
    if counts.min() < 2:
        raise InvalidData(
            f"{name}: each class must have at least 2 training images, one of them to validate, "
            f"but class {int(counts.argmin())} has 1; add images or give a validation set"
        )
    rest, taken = stratified(labels.numpy(), VALIDATION_SHARE, SPLIT_SEED)
    return torch.from_numpy(rest), torch.from_numpy(taken)


def _check_alike(name: str, part: str, images: Images, train: Images, classes: int) -> None:
    shape, expected = tuple(images.images.shape[1:]), tuple(train.images.shape[1:])
    if shape != expected:
        raise InvalidData(
            f"{name}: {part}_images must have the size of the training images, (channels, h, w) = "
            f"{expected}, but got {shape}; bring all to one size"
        )
    low, high = int(images.labels.min()), int(images.labels.max())
    if low < 0 or high >= classes:
        raise InvalidData(
            f"{name}: {part}_labels must lie in 0..{classes - 1}, the classes of the training "
            f"images, but got {low}..{high}; remove the others or add training images of them"
        )


def _statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, exactly: by counting the 256 values."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in range(images.shape[1]):
        counts = torch.bincount(images[:, channel].flatten(), minlength=256).double()
        mean = float((counts * values).sum() / counts.sum())
        variance = float((counts * (values - mean) ** 2).sum() / counts.sum())
        means.append(mean)
        stds.append(variance**0.5 or 1.0)  # a channel of one value stays as it is
    return tuple(means), tuple(stds)
