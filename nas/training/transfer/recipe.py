"""How a network of ImageNet's size is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from nas.training.recipe import Recipe


@dataclass(frozen=True)
class TransferRecipe(Recipe):
    """`Recipe` for long trainings on large images; the defaults are ImageNet's customs.

    Attributes:
        epochs: passes over the training images.
        batch_size: images that a step of the optimizer sees, over all devices.
        lr: highest learning rate, for this batch size.
        momentum: of SGD, not Nesterov's.
        weight_decay: of all parameters.
        schedule: behind the warm-up: "cosine" falls to 0, "step" is cut by `step_factor` every
            `step_every` epochs, "constant" stays.
        step_every: epochs between two cuts.
        step_factor: of a cut.
        augment: any of "crop" (a random part of the image, brought to size) and "flip".
        label_smoothing: share of the target that is spread over all classes.
        precision: "32", "bf16" or "16" (float16 with a scaled loss), both mixed.
        warmup: share of the training in which the rate grows from 0 by equal steps.
        min_area: smallest share of an image that a crop takes.
        accumulate: batches that a device works through for one step.
        ema: decay a step of the moving average of the weights, 0.9999 say, which is then what is
            judged and kept; 0 averages nothing.
    """

    SCHEDULES: ClassVar = ("cosine", "step", "constant")
    PRECISIONS: ClassVar = ("32", "bf16", "16")

    epochs: int = 90
    batch_size: int = 256
    lr: float = 0.1
    schedule: str = "cosine"
    step_every: int = 30
    augment: tuple[str, ...] = ("crop", "flip")
    label_smoothing: float = 0.1
    warmup: float = 0.05
    min_area: float = 0.08
    accumulate: int = 1
    ema: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("warmup", 0 <= self.warmup < 1, "in [0, 1)")
        self._check("min_area", 0 < self.min_area <= 1, "in (0, 1]")
        whole = self.accumulate >= 1 and self.batch_size % self.accumulate == 0
        self._check("accumulate", whole, f"at least 1 and divide batch_size ({self.batch_size})")
        self._check("ema", 0 <= self.ema < 1, "in [0, 1)")

    def rate(self, progress: float) -> float:
        """Learning rate after `progress` epochs (2.5 is halfway through the third)."""
        share = min(progress / self.epochs, 1.0)
        if share < self.warmup:
            return self.lr * share / self.warmup
        if self.schedule == "cosine":
            behind = (share - self.warmup) / (1 - self.warmup)
            return self.lr * (1 + math.cos(math.pi * behind)) / 2
        return super().rate(progress)
