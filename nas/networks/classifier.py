"""A network for images as they come."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nas.core.errors import InvalidData


class Classifier(nn.Module):
    """Normalises images and classifies them.

    Args:
        network: maps normalised images (n, channels, height, width) to logits (n, classes).
        mean: of each channel, in [0, 1].
        std: of each channel, likewise.
        classes: their names, in the order of the logits.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        classes: Sequence[str],
    ) -> None:
        super().__init__()
        self.network = network
        self.classes = tuple(classes)
        for name, values in (("mean", mean), ("std", std)):
            shaped = torch.tensor(list(values)).view(1, -1, 1, 1)
            self.register_buffer(name, shaped, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Maps images (n, channels, height, width) with values in [0, 1] to logits (n, classes).

        Raises:
            InvalidData: they have another shape, or are whole numbers.
        """
        channels = self.mean.shape[1]
        if images.dim() != 4 or images.shape[1] != channels or not images.is_floating_point():
            raise InvalidData(
                f"images must be floats (n, {channels}, height, width) in [0, 1], but got "
                f"{images.dtype} {tuple(images.shape)}; divide bytes by 255, and put a single "
                "image into a batch of one"
            )
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits
