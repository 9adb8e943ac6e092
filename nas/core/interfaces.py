"""The extension points: each an ABC with one or two abstract methods.

Values are passed, not orchestrators: a plug-in gets what it needs and never the study.
"""

from __future__ import annotations

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Self

import numpy as np

from nas.core.architecture import Architecture, Input
from nas.core.choices import Choose, Option
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.records import Record


@dataclass(frozen=True)
class Query:
    """What is asked of a surrogate.

    Attributes:
        architecture: the network.
        epoch: after which its accuracy is asked, from 1; None means the last one.
        observed: validation accuracies of its first epochs, for surrogates that read curves.
        hyperparameters: of its training, where they differ between networks; a surrogate uses
            those that its settings name, and no others.
    """

    architecture: Architecture
    epoch: int | None = None
    observed: tuple[float, ...] = ()
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.epoch is not None and self.epoch < 1:
            raise InvalidOption(f"an epoch must be at least 1, but got {self.epoch}")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Accuracies for n queries.

    Attributes:
        mean: (n,) expected accuracies.
        std: (n,) standard deviations, or None where the surrogate has no notion of them.
        samples: (s, n) draws from the predictive distribution, or None.
    """

    mean: np.ndarray
    std: np.ndarray | None = None
    samples: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.mean)

    def interval(self, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Central interval of that level as (low, high), each (n,): from samples, else Gaussian.

        Raises:
            InvalidSurrogate: there is neither std nor samples.
        """
        if self.samples is not None:
            low, high = np.quantile(self.samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
            return low, high
        if self.std is None:
            raise InvalidSurrogate(
                "an interval needs a std or samples, but this surrogate gives a mean only; "
                "wrap it in Ensemble or Calibrated"
            )
        half = NormalDist().inv_cdf((1 + level) / 2) * self.std
        return self.mean - half, self.mean + half


class Surrogate(ABC):
    """Predicts accuracies of networks that are not trained yet.

    Constructors only store their arguments under the same names; what `fit` learns goes into
    attributes whose names end in `_` and that hold plain values, arrays, tensors, scikit-learn
    estimators or other surrogates. Then `save` and `load` need no work.

        class MeanOfNeighbours(Surrogate):
            def fit(self, corpus):
                self.log_macs_ = np.log([r.macs for r in corpus])
                self.targets_ = corpus.targets
                return self

            def predict(self, queries):
                x = np.log([q.architecture.macs for q in queries])
                near = np.abs(x[:, None] - self.log_macs_).argsort(axis=1)[:, :5]
                return Prediction(self.targets_[near].mean(axis=1))
    """

    reads_curves: bool = False
    """True where `predict` uses `Query.observed`; whoever asks then trains and pays for them."""

    @abstractmethod
    def fit(self, corpus: Corpus) -> Self:
        """Learns from finished records, whole curves included; a second call starts afresh.

        Several records may be trainings of one network; `corpus.averaged` has one for each.
        """

    @abstractmethod
    def predict(self, queries: Sequence[Query]) -> Prediction:
        """Predicts n queries. An answer must not depend on the other queries of the call."""

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes constructor arguments and learned state into a folder, without pickling."""
        from nas.persistence import save

        save(self, directory)

    @classmethod
    def load(cls, directory: str | os.PathLike[str], trust: Sequence[str] = ()) -> Self:
        """The surrogate that `save` wrote; must be an instance of the class this is called on.

        Args:
            directory: what `save` was given.
            trust: top-level packages besides our own whose classes may be imported.

        Raises:
            InvalidSurrogate: missing, broken, of another class, or from a package not trusted.
        """
        from nas.persistence import load

        return load(directory, base=cls, trust=trust)


def predict(surrogate: Surrogate, queries: Sequence[Query]) -> Prediction:
    """What `surrogate.predict` says, checked: float64 arrays of the right shape, all finite.

    Raises:
        InvalidSurrogate: the shape is wrong or something is not finite.
    """
    said = surrogate.predict(queries)
    name, n = type(surrogate).__name__, len(queries)
    if not isinstance(said, Prediction):
        raise InvalidSurrogate(
            f"{name}.predict must return a Prediction, but got a {type(said).__name__}; "
            "return Prediction(mean)"
        )
    mean = _checked(name, "mean", said.mean, (n,))
    std = None if said.std is None else _checked(name, "std", said.std, (n,))
    if std is not None and (std < 0).any():
        raise InvalidSurrogate(f"{name}.predict must give a std >= 0, but got {std.min()}")
    draws = None if said.samples is None else np.shape(said.samples)[:1]
    samples = None if draws is None else _checked(name, "samples", said.samples, (*draws, n))
    return Prediction(mean, std, samples)


def _checked(name: str, part: str, values: object, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidSurrogate(f"{name}.predict must give numbers as {part}: {error}") from error
    if array.shape != shape:
        raise InvalidSurrogate(
            f"{name}.predict must give a {part} of shape {shape} for {shape[-1]} queries, but "
            f"got {array.shape}; return one number a query"
        )
    if not np.isfinite(array).all():
        raise InvalidSurrogate(
            f"{name}.predict must give finite numbers, but {int((~np.isfinite(array)).sum())} of "
            f"{array.size} in {part} are NaN or infinite; check its fit and its inputs"
        )
    return array


class SearchSpace(ABC):
    """A set of architectures, told by one generator.

    class Wide(SearchSpace):
        def generate(self, choose):
            width = choose("width", (8, 16, 32))
            block = (Layer("conv", (3, 3), width=width), Layer("relu"))
            return Architecture((block,), MY_SKELETON, self.input)
    """

    input: Input = Input(1, 8, 8, 10)
    """What the data set feeds; `on` sets it."""

    @abstractmethod
    def generate(self, choose: Choose) -> Architecture:
        """Builds one architecture out of `choose`'s answers; never rejects and draws again.

        Every question's name must stand for one list of options (see `nas.core.choices`).
        """

    def canonical(self, architecture: Architecture) -> Architecture:
        """One form for all architectures that compute the same; applied before `key`."""
        return architecture

    def on(self, input: Input) -> Self:
        """The same space for another data set."""
        moved = copy.copy(self)
        moved.input = input
        return moved


class Evaluator(ABC):
    """Says how good a network really is: by training it, from a table, from a function."""

    @abstractmethod
    def evaluate(
        self,
        architecture: Architecture,
        epochs: int | None = None,
        seed: int = 0,
        on_epoch: Callable[[int, float], bool] | None = None,
    ) -> Record:
        """Trains (or looks up) one network.

        Args:
            architecture: the network.
            epochs: how many to train; None means as many as the evaluator's recipe says.
            seed: of weights, batches and augmentation; the same seed gives the same record.
            on_epoch: called with (epoch from 1, validation accuracy) as each is known; where it
                returns True the training stops and the record's status is "pruned".
        """

    def forget(self, architecture: Architecture, epochs: int | None = None, seed: int = 0) -> None:
        """Drops what an evaluation with these arguments has left behind to go on from.

        Called once its record is stored: until then, a loss of the record must not cost the
        training. There is nothing to be done where nothing is left behind.
        """
        return None

    def fingerprint(self) -> str | None:
        """Differs where what networks are measured on does, though it has the same name.

        The workers of a study compare it before they train. None where there is nothing to compare.
        """
        return None


Score = Callable[[Sequence[Architecture]], np.ndarray]
"""Scores (n,) of n architectures, the higher the better; -inf forbids one."""


@dataclass(frozen=True)
class Candidate:
    """A proposed architecture, its score, and the decisions that make it in its space."""

    architecture: Architecture
    score: float
    decisions: Mapping[str, Option] = field(default_factory=dict)
    options: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)


class Acquisition(ABC):
    """Turns a prediction into a score: what is worth training next."""

    @abstractmethod
    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """Scores (n,), the higher the better.

        Args:
            prediction: of n architectures.
            best: highest accuracy measured so far; -inf where there is none.

        Raises:
            InvalidSurrogate: the prediction lacks what this acquisition needs.
        """


class Proposer(ABC):
    """Looks through a space for the architectures with the highest scores."""

    @abstractmethod
    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """At most k different candidates, best first, none of them with a score of -inf."""
