"""Where images come from: scikit-learn, torchvision, a file of arrays, a folder of images."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from nas.core.errors import InvalidData
from nas.training.data.dataset import SPLIT_SEED, DataSet, stratified
from nas.training.data.files import load_folder, load_npz
from nas.training.data.mapped import cache, mapped

# torchvision's sets of small images of one size, and how each is asked for training and test.
_TRAIN: tuple[Mapping[str, Any], Mapping[str, Any]] = ({"train": True}, {"train": False})
_SPLIT: tuple[Mapping[str, Any], Mapping[str, Any]] = ({"split": "train"}, {"split": "test"})
TORCHVISION = {
    "CIFAR10": _TRAIN,
    "CIFAR100": _TRAIN,
    "FashionMNIST": _TRAIN,
    "KMNIST": _TRAIN,
    "MNIST": _TRAIN,
    "QMNIST": _TRAIN,
    "STL10": _SPLIT,
    "SVHN": _SPLIT,
    "USPS": _TRAIN,
}


def load_data(spec: str = "digits") -> DataSet:
    """The data set that `spec` names, on the CPU.

    Args:
        spec: "digits" (scikit-learn's 1797 images of 8x8: half to train, a quarter to validate, a
            quarter to test), a name of torchvision (CIFAR10, MNIST, ..., downloaded into the
            folder that the environment variable NAS_DATA names, else ~/.cache/nas), "npz:PATH"
            (see `load_npz`) or "folder:PATH" (see `load_folder`). Where the data set has no
            validation images of its own, they are a stratified tenth of the training images.

    Raises:
        InvalidData: there is no such data set, or it is broken.
    """
    kind, _, path = spec.partition(":")
    if spec == "digits":
        return _digits()
    if spec in TORCHVISION:
        return mapped([spec, version("torchvision")], (), lambda: _torchvision(spec))
    if kind == "npz" and path:
        return mapped([spec], [Path(path)], lambda: load_npz(spec, Path(path)))
    if kind == "folder" and path:
        return mapped([spec], Path(path).rglob("*"), lambda: load_folder(spec, Path(path)))
    raise InvalidData(
        f"a data set must be digits, one of {', '.join(TORCHVISION)}, npz:PATH or folder:PATH, "
        f"but got {spec!r}; check the name"
    )


def _digits() -> DataSet:
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = (raw.images * (255 / 16)).round().astype(np.uint8)  # values 0..16
    rest, train = stratified(raw.target, 0.5, SPLIT_SEED)
    test, val = stratified(raw.target[rest], 0.5, SPLIT_SEED)
    parts = [(images[places], raw.target[places]) for places in (train, rest[val], rest[test])]
    return DataSet.of("digits", *parts)


def _torchvision(name: str) -> DataSet:
    from torchvision import datasets  # type: ignore[import-untyped]

    folder = cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{name}.lock"), warnings.catch_warnings():
            # CIFAR's pickles were written by a numpy that spelled a flag in another way.
            warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
            parts = [
                _arrays(getattr(datasets, name)(folder, download=True, **which))
                for which in TORCHVISION[name]
            ]
    except (OSError, RuntimeError) as error:
        raise InvalidData(
            f"{name} must be downloaded or lie in {folder}, but: {' '.join(str(error).split())}; "
            "check the network, or put torchvision's files there (NAS_DATA names another folder)"
        ) from error
    train, test = parts
    return DataSet.of(name, train, test=test)


def _alone(lock: Path) -> AbstractContextManager[object]:
    """Held by one process at a time, so that no two write the same download.

    Nothing is downloaded into a folder that cannot be written.
    """
    return FileLock(lock) if os.access(lock.parent, os.W_OK) else nullcontext()


def _arrays(source: Any) -> tuple[np.ndarray, np.ndarray]:
    images = np.asarray(source.data)
    labels = np.asarray(source.targets if hasattr(source, "targets") else source.labels)
    if images.ndim == 4 and images.shape[1] == 3:  # SVHN and STL10 put the channels first
        images = images.transpose(0, 2, 3, 1)
    return images, labels if labels.ndim == 1 else labels[:, 0]  # QMNIST tells more than the label
