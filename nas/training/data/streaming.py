"""Data sets that are read while they are trained on, image by image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from nas.core.architecture import Input
from nas.core.errors import InvalidData, InvalidOption
from nas.training.data.dataset import Images
from nas.training.data.folders import Files, check_images, digest_of, read_folders
from nas.training.data.sources import load_data

FOLDER_SIZE = 224
"""Pixels a side of what a network gets of the images in a folder, unless told otherwise."""

# As for ImageNet by custom; torchvision's models are trained with these.
PHOTO_MEAN, PHOTO_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PHOTO_BORDER = 256 / 224

Transform = Callable[[Any], Tensor]


class Source(Protocol):
    """Labelled images that are read one at a time."""

    def __len__(self) -> int:
        """Number of images."""
        ...

    @property
    def labels(self) -> Sequence[int]:
        """Numbers of their classes."""
        ...

    def read(self, index: int) -> Any:
        """An image, as torchvision's transforms take it.

        Raises:
            InvalidData: it cannot be read.
        """
        ...


class Tensors:
    """Images that lie in memory."""

    def __init__(self, images: Images) -> None:
        self._images = images.images
        self.labels = images.labels.tolist()

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def read(self, index: int) -> Tensor:
        """An image (channels, height, width) as uint8."""
        return self._images[index]


@dataclass(frozen=True, eq=False)
class StreamedData:
    """What a network is trained, validated and tested on.

    Attributes:
        name: what `stream_data` was asked for.
        input: what it feeds a network.
        classes: their names, in the order of the labels.
        train: images to train on.
        val: images that are looked at after each epoch.
        test: images for the final figures; those of `val` where there are no others.
        mean: of each channel, in [0, 1].
        std: of each channel, likewise.
        digest: differs where the images do; those of a folder are told apart by their names.
        border: an image that is judged is resized to so many times what the network gets, which is
            then cut out of its middle.
    """

    name: str
    input: Input
    classes: tuple[str, ...]
    train: Source
    val: Source
    test: Source
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str
    border: float = 1.0

    @property
    def judged(self) -> str:
        """The images that the final figures come from: "test", or "validation"."""
        return "validation" if self.test is self.val else "test"

    @property
    def resized(self) -> int:
        """Pixels of the shorter side that an image is resized to before its middle is judged."""
        return round(min(self.input.height, self.input.width) * self.border)

    @property
    def unread(self) -> list[Files]:
        """Images of a folder; what else is trained on lies in memory already."""
        parts = dict.fromkeys((self.train, self.val, self.test))
        return [part for part in parts if isinstance(part, Files)]

    def check(self) -> None:
        """Reads every image of a folder once.

        Raises:
            InvalidData: one is missing or broken.
        """
        for files in self.unread:
            check_images(files)


def stream_data(spec: str, resolution: int | None = None) -> StreamedData:
    """The data set that `spec` names, to be read while a network is trained.

    Args:
        spec: "folder:PATH" with train/ and val/ (see `read_folders`), whose images may be of any
            size and become coloured, or what else `load_data` takes.
        resolution: pixels a side of what the network gets; 224 for a folder, the images' own for
            others.

    Raises:
        InvalidData: there is no such data set, or it is broken; `StreamedData.check` reads the
            images of a folder.
        InvalidOption: the resolution is below 1.
    """
    if resolution is not None and resolution < 1:
        raise InvalidOption(f"resolution must be at least 1, but got {resolution}")
    kind, _, path = spec.partition(":")
    if kind == "folder" and path:
        return _of_folder(spec, Path(path), resolution or FOLDER_SIZE)
    data = load_data(spec)
    height, width = (resolution, resolution) if resolution else data.input[1:3]
    train, val = Tensors(data.train), Tensors(data.val)
    test = val if data.test is None else Tensors(data.test)
    size = data.input._replace(height=height, width=width)
    names = tuple(str(number) for number in range(size.classes))
    return StreamedData(spec, size, names, train, val, test, data.mean, data.std, data.digest)


def _of_folder(spec: str, path: Path, resolution: int) -> StreamedData:
    parts = read_folders(spec, path)
    train, val = parts["train"], parts["val"]
    if len(train.classes) < 2:
        raise InvalidData(f"{spec} must have at least 2 classes, but has {len(train.classes)}")
    size, test = Input(3, resolution, resolution, len(train.classes)), parts.get("test", val)
    photos = (PHOTO_MEAN, PHOTO_STD, digest_of(parts, path), PHOTO_BORDER)
    return StreamedData(spec, size, train.classes, train, val, test, *photos)


def augmentation(data: StreamedData, augment: Sequence[str], min_area: float) -> Transform:
    """What is done to an image that is trained on.

    Args:
        data: which it belongs to.
        augment: any of "crop", a part of the image brought to the network's size, and "flip".
        min_area: smallest share of the image's area that is cut out.
    """
    from torchvision.transforms import v2  # type: ignore[import-untyped]

    wanted = (data.input.height, data.input.width)
    crop = v2.RandomResizedCrop(wanted, scale=(min_area, 1.0), antialias=True)
    steps = [crop] if "crop" in augment else [as_seen(data)]
    if "flip" in augment:
        steps.append(v2.RandomHorizontalFlip())
    return v2.Compose([*steps, v2.PILToTensor()])  # type: ignore[no-any-return]


def as_seen(data: StreamedData) -> Transform:
    """What is done to an image that is judged: its middle is cut out."""
    from torchvision.transforms import v2

    wanted = (data.input.height, data.input.width)
    resize = v2.Resize(data.resized, antialias=True)
    return v2.Compose([resize, v2.CenterCrop(wanted), v2.PILToTensor()])  # type: ignore[no-any-return]
