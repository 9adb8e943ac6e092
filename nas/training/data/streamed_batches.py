"""Batches of images that worker processes read and augment while a network is trained.

What an image looks like in an epoch is a pure function of (seed, epoch, number of the image), and
the order of an epoch one of (seed, epoch): so neither the number of worker processes nor a restart
in the middle of an epoch changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nas.core.errors import InvalidData
from nas.training.data.dataset import Images
from nas.training.data.streaming import Source, Transform

Settle = Callable[[InvalidData | None], None]


class Drawn(NamedTuple):
    """An image as it looks in an epoch."""

    epoch: int
    image: int


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
            image = self._source.read(drawn.image)
        except InvalidData as error:  # raised by a worker it would come with its traceback
            return error
        with torch.random.fork_rng([]):
            seed = np.random.SeedSequence([self._seed, *drawn]).generate_state(1, np.uint64)
            torch.default_generator.manual_seed(int(seed[0]))
            return self._transform(image), self._source.labels[drawn.image]


@dataclass(frozen=True)
class Share:
    """Which part of each batch one of several processes takes.

    Attributes:
        rank: number of the process, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1


class Order:
    """Which images stand in which batch: an epoch each iteration, of those that are left of it.

    An epoch has whole steps only; what is left over of its images differs from epoch to epoch.
    Each step's images are split into `accumulate` batches for each process.

    Args:
        count: number of images.
        step: images that one step of the optimizer sees, over all processes.
        accumulate: batches of a step.
        seed: of the order.
        share: of this process.
        taken: batches that went before, over all epochs.
    """

    def __init__(
        self, count: int, step: int, accumulate: int, seed: int, share: Share, taken: int = 0
    ) -> None:
        self._count, self._seed, self._share = count, seed, share
        self._size = step // accumulate // share.world
        self._batches = count // step * accumulate
        self.taken = taken

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._batches

    def __iter__(self) -> Iterator[list[Drawn]]:
        epoch, begin = divmod(self.taken, len(self))
        order = np.random.default_rng([self._seed, epoch]).permutation(self._count)
        world = self._share.world
        parts = order[: len(self) * world * self._size].reshape(-1, world, self._size)
        for indices in parts[begin:, self._share.rank]:
            yield [Drawn(epoch, int(index)) for index in indices]


class Everything:
    """All images once, in order, in batches of at most `size`; each process takes its share.

    Args:
        count: number of images.
        size: images a batch.
        share: of this process.
    """

    def __init__(self, count: int, size: int, share: Share) -> None:
        # Lightning wants as many batches in each process; they may differ by one image.
        self._number = -(-count // (size * share.world))
        parts = np.array_split(np.arange(count), self._number * share.world)
        self._mine = parts[share.rank :: share.world]

    def __len__(self) -> int:
        """Batches of this process."""
        return self._number

    def __iter__(self) -> Iterator[list[Drawn]]:
        for indices in self._mine:
            yield [Drawn(0, int(index)) for index in indices]


def raised(error: InvalidData | None) -> None:
    """Raises the error, if there is one."""
    if error is not None:
        raise error


class StreamedBatches:
    """Batches of images, read ahead by worker processes.

    Args:
        views: images and labels.
        order: which stand in which batch.
        workers: processes that read; 0 reads in this one.
        pin: whether batches are put where a GPU reads them fastest.
        settle: called for each batch, with its error if it has one, which it raises; processes that
            read together end together by it.
    """

    def __init__(
        self,
        views: Views,
        order: Order | Everything,
        workers: int,
        pin: bool,
        settle: Settle = raised,
    ) -> None:
        self._order, self._settle = order, settle
        # Those of an evaluation would do nothing, and hold memory, for a whole epoch.
        stay = workers > 0 and isinstance(order, Order)
        self._loader: DataLoader[Any] | None = DataLoader(
            views,
            batch_sampler=order,
            num_workers=workers,
            collate_fn=_collate,
            persistent_workers=stay,
            pin_memory=pin,
        )

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._order)

    def __iter__(self) -> Iterator[Images]:
        assert self._loader is not None
        for batch in self._loader:
            self._settle(batch if isinstance(batch, InvalidData) else None)
            if isinstance(self._order, Order):
                self._order.taken += 1
            yield batch

    def close(self) -> None:
        """Ends the worker processes; left to the garbage collector they would take seconds."""
        self._loader = None


def _collate(samples: list[tuple[Tensor, int] | InvalidData]) -> Images | InvalidData:
    for sample in samples:
        if isinstance(sample, InvalidData):
            return sample
    images, labels = zip(*samples, strict=True)
    return Images(torch.stack(images), torch.tensor(labels))
