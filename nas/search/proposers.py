"""Proposers: how a space is looked through for the architectures with the highest scores."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nas.core.choices import Ask, Choose, Draw
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate, Proposer, Score, SearchSpace

if TYPE_CHECKING:
    import optuna


class PoolProposer(Proposer):
    """Draws a pool of architectures from the space's own distribution and keeps the best.

    Args:
        budget: architectures drawn.
        batch: architectures scored at a time.
    """

    def __init__(self, budget: int = 2000, batch: int = 1000) -> None:
        _at_least_one(budget=budget, batch=batch)
        self.budget = budget
        self.batch = batch

    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """See `Proposer.propose`."""
        found: list[Candidate] = []
        for start in range(0, self.budget, self.batch):
            asked = [Draw(rng) for _ in range(min(self.batch, self.budget - start))]
            found = best_of([*found, *_scored(space, asked, score)], k)
        return found


class OptunaProposer(Proposer):
    """Lets an Optuna sampler maximise the score, in a study in memory.

    Args:
        sampler: any `optuna.samplers.BaseSampler`; TPE with a seed of the call's own by default.
        budget: architectures asked of the sampler.
        batch: architectures asked before they are scored together and told.
    """

    def __init__(
        self,
        sampler: optuna.samplers.BaseSampler | None = None,
        budget: int = 400,
        batch: int = 20,
    ) -> None:
        _at_least_one(budget=budget, batch=batch)
        self.sampler = sampler
        self.budget = budget
        self.batch = batch

    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """See `Proposer.propose`."""
        import optuna

        seed = int(rng.integers(2**32))
        # A copy: the state of a sampler must not carry over from one call to the next.
        sampler = copy.deepcopy(self.sampler) or optuna.samplers.TPESampler(seed=seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        found: list[Candidate] = []
        for start in range(0, self.budget, self.batch):
            trials = [study.ask() for _ in range(min(self.batch, self.budget - start))]
            scored = _scored(space, [Ask(trial) for trial in trials], score)
            for trial, candidate in zip(trials, scored, strict=True):
                if np.isfinite(candidate.score):
                    study.tell(trial, candidate.score)
                else:  # forbidden: the sampler must not learn from it as from a bad value
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
            found = best_of([*found, *scored], k)
        return found


def best_of(candidates: Iterable[Candidate], k: int) -> list[Candidate]:
    """The k best different candidates, best first; forbidden ones are left out.

    Of equal scores the one that came first stands first, so that a seed gives one answer.
    """
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.score > -np.inf:
            first.setdefault(candidate.architecture.key, candidate)
    return sorted(first.values(), key=lambda candidate: -candidate.score)[:k]


def _scored(space: SearchSpace, choosers: Sequence[Choose], score: Score) -> list[Candidate]:
    """One candidate for each chooser, scored in one batch."""
    architectures = [space.canonical(space.generate(choose)) for choose in choosers]
    return [
        Candidate(architecture, float(value), choose.decisions, choose.options)
        for architecture, value, choose in zip(
            architectures, score(architectures), choosers, strict=True
        )
    ]


def _at_least_one(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise InvalidOption(f"{name} must be at least 1, but got {number}")
