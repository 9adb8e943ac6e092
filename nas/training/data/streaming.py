"""Data sets that are read while they are trained on, image by image, in worker processes.

What an image looks like in an epoch is a pure function of (seed, epoch, number of the image), and
the order of an epoch one of (seed, epoch): so neither the number of worker processes nor a restart
in the middle of an epoch changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nas.core.architecture import Input
from nas.core.errors import InvalidData, InvalidOption
from nas.training.data.dataset import Images
from nas.training.data.folders import Files, check_images, read_folders
from nas.training.data.sources import load_data

FOLDER_SIZE = 224
"""Pixels a side of what a network gets of the images in a folder, unless told otherwise."""
CHECKED = 50_000
"""Folders of at most so many images are read through before a training, unless told otherwise."""

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
    border: float = 1.0


def stream_data(
    spec: str, resolution: int | None = None, check: bool | None = None
) -> StreamedData:
    """The data set that `spec` names, to be read while a network is trained.

    Args:
        spec: "folder:PATH" with train/ and val/ (see `read_folders`), whose images may be of any
            size and become coloured, or what else `load_data` takes.
        resolution: pixels a side of what the network gets; 224 for a folder, the images' own for
            others.
        check: whether every image of a folder is read once before; None: if there are at most
            50,000.

    Raises:
        InvalidData: there is no such data set, or it is broken.
        InvalidOption: the resolution is below 1.
    """
    if resolution is not None and resolution < 1:
        raise InvalidOption(f"resolution must be at least 1, but got {resolution}")
    kind, _, path = spec.partition(":")
    if kind == "folder" and path:
        return _of_folder(spec, Path(path), resolution or FOLDER_SIZE, check)
    data = load_data(spec)
    height, width = (resolution, resolution) if resolution else data.input[1:3]
    parts = {name: Tensors(getattr(data, name)) for name in ("train", "val")}
    test = parts["val"] if data.test is None else Tensors(data.test)
    size = data.input._replace(height=height, width=width)
    names = tuple(str(number) for number in range(size.classes))
    return StreamedData(spec, size, names, **parts, test=test, mean=data.mean, std=data.std)


def _of_folder(spec: str, path: Path, resolution: int, check: bool | None) -> StreamedData:
    parts = read_folders(spec, path)
    if sum(map(len, parts.values())) <= CHECKED if check is None else check:
        for files in parts.values():
            check_images(files)
    train, val = parts["train"], parts["val"]
    if len(train.classes) < 2:
        raise InvalidData(f"{spec} must have at least 2 classes, but has {len(train.classes)}")
    size, test = Input(3, resolution, resolution, len(train.classes)), parts.get("test", val)
    photos = (PHOTO_MEAN, PHOTO_STD, PHOTO_BORDER)
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
    resize = v2.Resize(round(min(wanted) * data.border), antialias=True)
    return v2.Compose([resize, v2.CenterCrop(wanted), v2.PILToTensor()])  # type: ignore[no-any-return]


class Drawn(NamedTuple):
    """An image as it looks in an epoch."""

    epoch: int
    index: int


class Views(Dataset[Any]):
    """Images as they look in an epoch; one that cannot be read is its error.

    Args:
        source: of the images.
        transform: makes tensors of them; may draw from torch's global random numbers, which are
            seeded for each image and put back behind it.
        seed: of the transform.
    """

    def __init__(self, source: Source, transform: Transform, seed: int) -> None:
        self._source, self._transform, self._seed = source, transform, seed

    def __getitem__(self, drawn: Drawn) -> tuple[Tensor, int] | InvalidData:
        """Image (channels, height, width) as uint8, and label."""
        try:
            image = self._source.read(drawn.index)
        except InvalidData as error:  # raised by a worker it would come with its traceback
            return error
        with torch.random.fork_rng([]):
            seed = np.random.SeedSequence([self._seed, *drawn]).generate_state(1, np.uint64)
            torch.default_generator.manual_seed(int(seed[0]))
            return self._transform(image), self._source.labels[drawn.index]


@dataclass(frozen=True)
class Share:
    """Which part of each batch one of several processes takes.

    Attributes:
        rank: number of the process, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1


class TrainingBatches:
    """Shuffled batches, an epoch each iteration, that go on where `load_state_dict` says.

    An epoch has whole steps only; what is left over of its images differs from epoch to epoch.
    Each step's images are split into `accumulate` batches for each process.

    Args:
        views: images and labels by `Drawn`.
        count: number of images.
        step: images that one step of the optimizer sees, over all processes.
        accumulate: batches of a step.
        seed: of the order.
        share: of this process.
        workers: processes that read; 0 reads in this one.
        pin: whether batches are put where a GPU reads them fastest.
    """

    def __init__(
        self,
        views: Views,
        count: int,
        step: int,
        accumulate: int,
        seed: int,
        share: Share,
        workers: int,
        pin: bool,
    ) -> None:
        self._count, self._step, self._accumulate = count, step, accumulate
        self._seed, self._share, self._taken = seed, share, 0
        self._loader = _loader(views, _Lazy(self._rest), workers, pin)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._count // self._step * self._accumulate

    def __iter__(self) -> Iterator[Images]:
        for batch in self._loader:
            self._taken += 1
            yield _readable(batch)

    def state_dict(self) -> dict[str, int]:
        """How many batches were taken, over all epochs: all that there is to know."""
        return {"taken": self._taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Goes on behind as many batches."""
        self._taken = state["taken"]

    def _rest(self) -> Iterator[list[Drawn]]:
        """The batches of this process that are left of the epoch."""
        epoch, begin = divmod(self._taken, len(self))
        order = np.random.default_rng([self._seed, epoch]).permutation(self._count)
        size = self._step // self._accumulate // self._share.world
        parts = order[: len(self) * size * self._share.world].reshape(-1, self._share.world, size)
        for indices in parts[begin:, self._share.rank]:
            yield [Drawn(epoch, int(index)) for index in indices]


class EvaluationBatches:
    """All images once, in order, in batches of at most `size`; each process takes its share.

    Args:
        views: images and labels by `Drawn`.
        count: number of images.
        size: images a batch.
        share: of this process.
        workers: processes that read; 0 reads in this one.
        pin: whether batches are put where a GPU reads them fastest.
    """

    def __init__(
        self, views: Views, count: int, size: int, share: Share, workers: int, pin: bool
    ) -> None:
        # Lightning wants as many batches in each process; they may differ by one image.
        self._number = -(-count // (size * share.world))
        parts = np.array_split(np.arange(count), self._number * share.world)
        mine = [[Drawn(0, int(index)) for index in part] for part in parts[share.rank :: share.world]]
        self._loader = _loader(views, mine, workers, pin)

    def __len__(self) -> int:
        """Batches of this process."""
        return self._number

    def __iter__(self) -> Iterator[Images]:
        for batch in self._loader:
            yield _readable(batch)


class _Lazy:
    """What a function yields, anew for each iteration."""

    def __init__(self, function: Callable[[], Iterator[list[Drawn]]]) -> None:
        self._function = function

    def __iter__(self) -> Iterator[list[Drawn]]:
        return self._function()


def _loader(views: Views, batches: Any, workers: int, pin: bool) -> DataLoader[Any]:
    return DataLoader(
        views,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        persistent_workers=workers > 0,
        pin_memory=pin,
    )


def _collate(samples: list[tuple[Tensor, int] | InvalidData]) -> Images | InvalidData:
    for sample in samples:
        if isinstance(sample, InvalidData):
            return sample
    images, labels = zip(*samples, strict=True)  # type: ignore[arg-type]
    return Images(torch.stack(images), torch.tensor(labels))


def _readable(batch: Images | InvalidData) -> Images:
    if isinstance(batch, InvalidData):
        raise batch
    return batch
