"""Batches from tensors that lie on the device already: no workers, no Python for each image."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from nas.training.data.dataset import Images

# Images of at least this many pixels a side are shifted by up to 4 of them, smaller ones by 1.
LARGE, LARGE_SHIFT, SMALL_SHIFT = 28, 4, 1


class Batches:
    """Batches of images: each iteration is one epoch.

    All random numbers of an epoch are drawn on the CPU and moved at once: the device never waits,
    and every device sees the same batches.

    Args:
        data: images and labels, on the device where the batches are wanted.
        size: images a batch; the last one may be smaller, but where it would be a single image
            (with which batch normalisation cannot train) it is left out of a shuffled epoch.
        generator: shuffles each epoch anew; None keeps the order.
        augment: of a shuffled epoch: "crop" shifts each image, black comes in; "flip" mirrors
            every second one.
    """

    def __init__(
        self,
        data: Images,
        size: int,
        generator: torch.Generator | None = None,
        augment: tuple[str, ...] = (),
    ) -> None:
        self._data, self._size = data, size
        self._generator, self._augment = generator, augment
        count = len(data.labels)
        self._count = count - 1 if generator and count % size == 1 else count

    def __len__(self) -> int:
        """Number of batches."""
        return -(-self._count // self._size)

    def __iter__(self) -> Iterator[Images]:
        ends = range(0, self._count, self._size)
        if self._generator is None:
            for at in ends:
                yield Images(*(part[at : at + self._size] for part in self._data))
            return
        order, shifts, flips = self._draw(self._generator)
        for at in ends:
            here = slice(at, min(at + self._size, self._count))
            images, labels = (part[order[here]] for part in self._data)
            if self._augment:
                images = augmented(images, shifts[here], flips[here])
            yield Images(images, labels)

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Order (n,), shifts (n, 2) in rows and columns, flips (n,) of one epoch."""
        images, labels = self._data
        count, device = len(labels), images.device
        order = torch.randperm(count, generator=generator)
        most = LARGE_SHIFT if min(images.shape[2:]) >= LARGE else SMALL_SHIFT
        shifts, flips = torch.zeros(count, 2, dtype=torch.long), torch.zeros(count).bool()
        if "crop" in self._augment:
            shifts = torch.randint(-most, most + 1, (count, 2), generator=generator)
        if "flip" in self._augment:
            flips = torch.rand(count, generator=generator) < 0.5
        return order.to(device), shifts.to(device), flips.to(device)


def augmented(images: Tensor, shifts: Tensor, flips: Tensor) -> Tensor:
    """Each image moved up and left by its shift, then mirrored where its flip is true.

    Args:
        images: (n, channels, height, width), uint8.
        shifts: (n, 2) in rows and columns, at most 4 either way; black comes in from outside.
        flips: (n,) bool.
    """
    count, _, height, width = images.shape
    device, border = images.device, LARGE_SHIFT
    rows = torch.arange(height, device=device) + shifts[:, :1] + border
    columns = torch.arange(width, device=device) + shifts[:, 1:] + border
    columns = torch.where(flips[:, None], columns.flip(1), columns)
    padded = F.pad(images, (border,) * 4)
    each = torch.arange(count, device=device)[:, None, None]
    # (n, h, w, channels): one gather does both, and the result is channels_last.
    return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
