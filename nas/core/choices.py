"""One generator, four uses: the `choose` functions that a `SearchSpace.generate` is given.

`choose(name, options, weights=None)` returns one of the options. A name stands for one question
with one list of options: where the options depend on what came before, the name says so
(`"block0/3/after-relu"`), since Optuna refuses different options under one name.

`Draw` samples, `Ask` forwards to an Optuna trial, `Replay` reproduces, `Mutate` changes one
decision. Each remembers what it answered in `decisions`, and the options in `options`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from nas.core.errors import InvalidArchitecture, InvalidOption

Option = str | int | float | bool
T = TypeVar("T", str, int, float, bool)
Decisions = Mapping[str, Option]


class Choose(Protocol):
    """What a space asks its questions of."""

    decisions: dict[str, Option]
    options: dict[str, tuple[Option, ...]]

    def __call__(
        self, name: str, options: Sequence[T], weights: Sequence[float] | None = None
    ) -> T:
        """One of `options`; `weights` are relative and may be left out for equal ones."""
        ...


class _Chooser(ABC):
    """Remembers what was asked and answered; answers a repeated question as before."""

    def __init__(self) -> None:
        self.decisions: dict[str, Option] = {}
        self.options: dict[str, tuple[Option, ...]] = {}

    def __call__(
        self, name: str, options: Sequence[T], weights: Sequence[float] | None = None
    ) -> T:
        if name in self.decisions:
            return self.decisions[name]  # type: ignore[return-value]
        answer = self._answer(name, options, weights)
        self.decisions[name] = answer
        self.options[name] = tuple(options)
        return answer

    @abstractmethod
    def _answer(self, name: str, options: Sequence[T], weights: Sequence[float] | None) -> T:
        """The answer to a question that is asked for the first time."""


class Draw(_Chooser):
    """Samples each decision with its weights."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self._rng = rng

    def _answer(self, name: str, options: Sequence[T], weights: Sequence[float] | None) -> T:
        return draw(self._rng, options, weights)


class Ask(_Chooser):
    """Forwards to `trial.suggest_categorical`: the trial's sampler decides, weights are its own."""

    def __init__(self, trial: SuggestsCategorical) -> None:
        super().__init__()
        self._trial = trial

    def _answer(self, name: str, options: Sequence[T], weights: Sequence[float] | None) -> T:
        answer: T = self._trial.suggest_categorical(name, list(options))
        return answer


class Replay(_Chooser):
    """Reproduces decisions that were made before."""

    def __init__(self, decisions: Decisions) -> None:
        super().__init__()
        self._given = decisions

    def _answer(self, name: str, options: Sequence[T], weights: Sequence[float] | None) -> T:
        if name not in self._given or self._given[name] not in options:
            raise InvalidArchitecture(
                f"decisions must answer {name!r} with one of {list(options)}, but got "
                f"{self._given.get(name, 'nothing')!r}; they come from another space or version"
            )
        return self._given[name]  # type: ignore[return-value]


class Mutate(_Chooser):
    """Changes the decision at `site` and keeps every other one that is still possible.

    Decisions that the change makes impossible, or asks for anew, are drawn with their weights. An
    option of weight 0 counts as impossible. Where `site` has a single possible option, nothing
    changes.
    """

    def __init__(self, decisions: Decisions, site: str, rng: np.random.Generator) -> None:
        super().__init__()
        self._given, self._site, self._rng = decisions, site, rng

    def _answer(self, name: str, options: Sequence[T], weights: Sequence[float] | None) -> T:
        chances = [1.0] * len(options) if weights is None else list(weights)
        possible = {o: w for o, w in zip(options, chances, strict=True) if w > 0}
        before = self._given.get(name)
        if name == self._site and len(possible) > 1:
            possible = {o: w for o, w in possible.items() if o != before}
        elif before in possible:
            return before  # type: ignore[return-value]
        return draw(self._rng, list(possible), list(possible.values()))


def draw(rng: np.random.Generator, options: Sequence[T], weights: Sequence[float] | None) -> T:
    """One option, by inversion of the cumulated weights: a single uniform number each time."""
    if weights is None:
        return options[int(rng.random() * len(options))]
    total, at = float(sum(weights)), 0.0
    if not total > 0:
        raise InvalidArchitecture(f"weights must have a sum above 0, but got {list(weights)}")
    mark = rng.random() * total
    last = options[0]
    for option, weight in zip(options, weights, strict=True):
        if weight > 0:
            at, last = at + weight, option
            if mark < at:
                break
    return last


def check_seed(seed: int, name: str = "seed") -> None:
    """Raises InvalidOption unless the seed is a whole number of at least 0."""
    if not isinstance(seed, int) or seed < 0:
        raise InvalidOption(f"{name} must be a whole number >= 0, but got {seed!r}")


class SuggestsCategorical(Protocol):
    """The part of `optuna.Trial` that `Ask` needs."""

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        """One of the choices."""
        ...
