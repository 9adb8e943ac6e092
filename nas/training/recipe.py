"""How a sampled network is trained: the same settings for every network of a corpus."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from nas.core.errors import InvalidOption

AUGMENTATIONS = ("crop", "flip")

# Of the one-cycle schedule: share of the training that warms up, and the rate it starts from.
WARM_UP, WARM_UP_FROM = 0.3, 0.04


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum, as in the paper (section 4); what the paper leaves open is ours.

    The defaults are for digits, where 8 epochs are 232 steps: with the paper's rate of 0.1, meant
    for hundreds of epochs, most of its networks would not start to learn in that time.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step, at least 2 because of batch normalisation.
        lr: learning rate; the highest one of a schedule.
        momentum: of SGD, not Nesterov's.
        weight_decay: of all parameters.
        schedule: "step" cuts the rate by `step_factor` every `step_every` epochs, as in the paper;
            "one_cycle" warms up and then falls to 0 along a cosine, over `epochs`; or "constant".
        step_every: epochs between two cuts.
        step_factor: of a cut.
        augment: any of "crop" (a random shift of up to 4 pixels, 1 below 28 pixels) and "flip", as
            a list: `[crop, flip]`.
        label_smoothing: share of the target that is spread over all classes.
        precision: "32", or "bf16" for bfloat16 where it is safe; that pays on GPUs, and on
            processors with avx512_bf16 or amx.
    """

    SCHEDULES: ClassVar[tuple[str, ...]] = ("step", "one_cycle", "constant")
    PRECISIONS: ClassVar[tuple[str, ...]] = ("32", "bf16")

    epochs: int = 8
    batch_size: int = 32
    lr: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: str = "step"
    step_every: int = 6
    step_factor: float = 0.1
    augment: tuple[str, ...] = ()
    label_smoothing: float = 0.0
    precision: str = "32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "augment", tuple(self.augment))
        self._check("epochs", self.epochs >= 1, "at least 1")
        self._check("batch_size", self.batch_size >= 2, "at least 2 (batch normalisation)")
        self._check("lr", 0 < self.lr < math.inf, "above 0")
        self._check("momentum", 0 <= self.momentum < 1, "in [0, 1)")
        self._check("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more")
        self._check_among("schedule", self.SCHEDULES)
        self._check("step_every", self.step_every >= 1, "at least 1")
        self._check("step_factor", 0 < self.step_factor <= 1, "in (0, 1]")
        known = len(set(self.augment) & set(AUGMENTATIONS)) == len(self.augment)
        self._check("augment", known, f"some of {', '.join(AUGMENTATIONS)}, each once")
        self._check("label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
        self._check_among("precision", self.PRECISIONS)

    def _check_among(self, name: str, known: tuple[str, ...]) -> None:
        self._check(name, getattr(self, name) in known, f"one of {', '.join(known)}")

    def _check(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            raise InvalidOption(
                f"{name} of a recipe must be {rule}, but got {getattr(self, name)!r}"
            )

    def rate(self, progress: float) -> float:
        """Learning rate after `progress` epochs (2.5 is halfway through the third)."""
        if self.schedule == "step":
            return self.lr * self.step_factor ** (int(progress) // self.step_every)
        if self.schedule == "one_cycle":
            share = min(progress / self.epochs, 1.0)
            if share < WARM_UP:
                return self.lr * (WARM_UP_FROM + (1 - WARM_UP_FROM) * share / WARM_UP)
            return self.lr * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2
        return self.lr

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object, for the header of a corpus."""
        return {**asdict(self), "augment": list(self.augment)}
