"""A user's own images: a file of arrays, or a folder."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from nas.core.errors import InvalidData
from nas.training.data.dataset import DataSet
from nas.training.data.folders import Files, read_folders, read_image

Labelled = tuple[np.ndarray, np.ndarray]


def load_npz(name: str, path: Path) -> DataSet:
    """Arrays that `numpy.savez` wrote.

    The keys are train_images (n, h, w) or (n, h, w, 1 or 3) as uint8, train_labels (n,) as whole
    numbers from 0, likewise test_images and test_labels, and, if there are any, val_images and
    val_labels.

    Raises:
        InvalidData: the file is missing or broken, lacks a key, or an array is not as above.
    """
    arrays = _read_npz(name, path)
    needed = ["train_images", "train_labels", "test_images", "test_labels"]
    if "val_images" in arrays or "val_labels" in arrays:
        needed += ["val_images", "val_labels"]
    missing = [key for key in needed if key not in arrays]
    if missing:
        raise InvalidData(
            f"{name} must hold the keys {', '.join(needed)}, but lacks {', '.join(missing)} and "
            f"has {', '.join(arrays) or 'none'}; add them with numpy.savez"
        )
    parts = {
        part: (arrays[f"{part}_images"], arrays[f"{part}_labels"])
        for part in ("train", "val", "test")
        if f"{part}_images" in needed
    }
    return DataSet.of(name, parts["train"], parts.get("val"), parts["test"])


def _read_npz(name: str, path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array")
            return dict(file)
    except FileNotFoundError as error:
        raise InvalidData(f"{name} must name a file, but {path} does not exist") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidData(
            f"{name} must be a file of numeric arrays that numpy.savez wrote, but: "
            f"{' '.join(str(error).split())}; write it with numpy.savez"
        ) from error


def load_folder(name: str, path: Path) -> DataSet:
    """Images in `train/CLASS/`, `val/CLASS/` and, if there is one, `test/CLASS/`, all of one size.

    Where every image is grey there is one channel, else there are three.

    Raises:
        InvalidData: a folder is missing, a class has no image or is not in all parts, an image is
            broken or of another size.
    """
    folders = read_folders(name, path)
    images = {
        part: [np.asarray(read_image(name, file)) for file in files.paths]
        for part, files in folders.items()
    }
    _check_sizes(name, images, folders)
    coloured = any(image.ndim == 3 for each in images.values() for image in each)
    parts: dict[str, Labelled] = {
        part: (_stack(images[part], coloured), np.asarray(files.labels))
        for part, files in folders.items()
    }
    return DataSet.of(name, parts["train"], parts["val"], parts.get("test"))


def _check_sizes(name: str, images: dict[str, list[np.ndarray]], folders: dict[str, Files]) -> None:
    height, width = images["train"][0].shape[:2]
    for part, each in images.items():
        for image, file in zip(each, folders[part].paths, strict=True):
            if image.shape[:2] != (height, width):
                raise InvalidData(
                    f"{name}: all images must have one size, {width}x{height} as the first, but "
                    f"{file} has {image.shape[1]}x{image.shape[0]}; resize them"
                )


def _stack(images: list[np.ndarray], coloured: bool) -> np.ndarray:
    if not coloured:
        return np.stack(images)
    return np.stack([np.dstack([i] * 3) if i.ndim == 2 else i for i in images])
