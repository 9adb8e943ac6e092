"""What is known of one trained network."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, overload

from nas.core.architecture import Architecture, Block, Input, Layer, Skeleton
from nas.core.errors import InvalidCorpus

Status = Literal["complete", "diverged", "pruned", "timeout", "failed"]
STATUSES: tuple[str, ...] = get_args(Status)
FINISHED: tuple[str, ...] = ("complete", "diverged")


@dataclass(frozen=True)
class LearningCurve(Sequence[float]):
    """Validation accuracy after each epoch, in [0, 1]; indexes like a sequence, may be empty."""

    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(float(v) for v in self.values))
        if not all(0.0 <= value <= 1.0 for value in self.values):
            raise InvalidCorpus(
                f"accuracies of a learning curve must lie in [0, 1], but got {self.values}; "
                "divide percentages by 100"
            )

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> LearningCurve: ...
    def __getitem__(self, index: int | slice) -> float | LearningCurve:
        if isinstance(index, slice):
            return LearningCurve(self.values[index])
        return self.values[index]

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)


@dataclass(frozen=True)
class Record:
    """One network and what its training gave.

    Attributes:
        architecture: the network.
        target: what `fit` and the metrics use, in [0, 1]: the final validation accuracy of our own
            trainings, the published figure of a table; None where there is none (failed).
        curve: validation accuracy per epoch.
        train_loss: mean training loss per epoch.
        test_accuracy: on the test images, where it was measured; never used to choose.
        repeats: accuracies of all trainings where the target is their mean, as in a table that
            trained each network with several seeds.
        hyperparameters: what else a table tells of a training.
        seed: of weights, batches and augmentation.
        seconds: the training took, on whatever machine it ran.
        params: learnable parameters; those of the architecture unless a table says otherwise.
        macs: multiply-accumulates for one image, likewise.
        status: complete, diverged (a result: its accuracy was measured), pruned, timeout, failed.
        index: place in the seeded stream of architectures of a study.
        split: "train" or "test" where a published table fixes it.
        error: why it failed, in one line.
    """

    architecture: Architecture
    target: float | None = None
    curve: LearningCurve = LearningCurve()
    train_loss: tuple[float, ...] = ()
    test_accuracy: float | None = None
    repeats: tuple[float, ...] = ()
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    seconds: float | None = None
    params: int | None = None
    macs: int | None = None
    status: Status = "complete"
    index: int | None = None
    split: Literal["train", "test"] | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InvalidCorpus(f"status must be one of {STATUSES}, but got {self.status!r}")
        if self.split not in (None, "train", "test"):
            raise InvalidCorpus(f"split must be 'train' or 'test', but got {self.split!r}")
        if self.finished and not _is_accuracy(self.target):
            raise InvalidCorpus(
                f"a network that is {self.status} must have a finite target in [0, 1], but got "
                f"{self.target}"
            )
        if not all(_is_accuracy(a) for a in (self.test_accuracy, *self.repeats) if a is not None):
            raise InvalidCorpus(
                f"test_accuracy and repeats must lie in [0, 1], but got {self.test_accuracy} and "
                f"{self.repeats}"
            )
        try:
            json.dumps(self.hyperparameters)
        except (TypeError, ValueError) as error:
            raise InvalidCorpus(
                "hyperparameters must be numbers, strings and lists as JSON has them, but got "
                f"{self.hyperparameters}: {error}"
            ) from error
        numbers = (self.seed, self.params, self.macs, self.index)
        if not all(number is None or type(number) is int for number in numbers):
            raise InvalidCorpus(
                f"seed, params, macs and index must be whole numbers, but got {numbers}"
            )
        if self.params is None:
            object.__setattr__(self, "params", self.architecture.params)
        if self.macs is None:
            object.__setattr__(self, "macs", self.architecture.macs)

    @property
    def finished(self) -> bool:
        """True where the target is a result that a surrogate may learn from."""
        return self.status in FINISHED

    @property
    def identity(self) -> tuple[str, str]:
        """What trainings share that differ in nothing but their seed."""
        return self.architecture.key, json.dumps(self.hyperparameters, sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object without the defaults; skeleton and input are the corpus'."""
        blocks = [[layer.to_json() for layer in block] for block in self.architecture.blocks]
        out: dict[str, Any] = {"key": self.architecture.key, "blocks": blocks}
        out |= {name: getattr(self, name) for name in _PLAIN if getattr(self, name) is not None}
        if self.curve:
            out["curve"] = list(self.curve)
        if self.train_loss:  # a diverged loss is not a number; JSON has null for it
            out["train_loss"] = [v if math.isfinite(v) else None for v in self.train_loss]
        if self.repeats:
            out["repeats"] = list(self.repeats)
        if self.hyperparameters:
            out["hyperparameters"] = dict(self.hyperparameters)
        return out

    @classmethod
    def from_json(cls, data: dict[str, Any], skeleton: Skeleton, input: Input) -> Record:
        """The record that `to_json` wrote, in the corpus' skeleton and for its input.

        Raises:
            InvalidCorpus, InvalidArchitecture: a field is missing or cannot be read.
        """
        try:
            blocks: tuple[Block, ...] = tuple(
                tuple(Layer.from_json(layer) for layer in block) for block in data["blocks"]
            )
            plain = {name: data[name] for name in _PLAIN if name in data}
            return cls(
                Architecture(blocks, skeleton, input),
                curve=LearningCurve(tuple(data.get("curve", ()))),
                train_loss=tuple(
                    math.nan if v is None else float(v) for v in data.get("train_loss", ())
                ),
                repeats=tuple(data.get("repeats", ())),
                hyperparameters=dict(data.get("hyperparameters", {})),
                **plain,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidCorpus(
                f"a record must have blocks and a status, but: {error!r}"
            ) from error


def _is_accuracy(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1  # not true for NaN


_PLAIN = (
    "target",
    "test_accuracy",
    "seed",
    "seconds",
    "params",
    "macs",
    "status",
    "index",
    "split",
    "error",
)
