"""Proposers: how a space is looked through for the architectures with the highest scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.core.choices import Ask, Draw
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate, Proposer, Score, SearchSpace
from nas.search.candidates import best_of, check_at_least_one, made, scored
from nas.search.pareto import Cost, check_cost, front
from nas.search.quiet import quiet

if TYPE_CHECKING:
    import optuna


class PoolProposer(Proposer):
    """Draws a pool of architectures from the space's own distribution and keeps the best.

    Args:
        budget: architectures drawn.
        batch: architectures scored at a time.
    """

    def __init__(self, budget: int = 2000, batch: int = 1000) -> None:
        check_at_least_one(budget=budget, batch=batch)
        self.budget = budget
        self.batch = batch

    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """See `Proposer.propose`."""
        found: list[Candidate] = []
        for start in range(0, self.budget, self.batch):
            number = min(self.batch, self.budget - start)
            pool = [made(space, Draw(rng)) for _ in range(number)]
            found = best_of([*found, *scored(pool, score)], k)
        return found


class OptunaProposer(Proposer):
    """Lets an Optuna sampler maximise the score, in a study in memory.

    Decisions of a space are categorical: samplers that know no categorical parameters, such as
    CMA-ES, draw them at random.

    Args:
        sampler: name of a class in `optuna.samplers`, or the dotted path of another one; it is
            made with a seed of the call's own.
        settings: its other arguments.
        budget: architectures asked of the sampler.
        batch: architectures asked before they are scored together and told.
    """

    def __init__(
        self,
        sampler: str = "TPESampler",
        settings: dict[str, Any] | None = None,
        budget: int = 400,
        batch: int = 20,
    ) -> None:
        check_at_least_one(budget=budget, batch=batch)
        self.sampler = sampler
        self.settings = settings
        self.budget = budget
        self.batch = batch

    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """See `Proposer.propose`.

        Raises:
            InvalidOption: there is no such sampler, or it does not take the settings.
        """
        import optuna

        sampler = self._made(int(rng.integers(2**32)))
        found: list[Candidate] = []
        with quiet():
            study = optuna.create_study(direction="maximize", sampler=sampler)
            for asked in _asked(study, space, score, self.budget, self.batch, lambda c: [c.score]):
                found = best_of([*found, *asked], k)
        return found

    def _made(self, seed: int) -> optuna.samplers.BaseSampler:
        module, _, name = self.sampler.rpartition(".")
        try:
            kind = getattr(import_module(module or "optuna.samplers"), name)
            made: optuna.samplers.BaseSampler = kind(seed=seed, **(self.settings or {}))
        except (ImportError, AttributeError, TypeError) as error:
            raise InvalidOption(
                "sampler must be a class in optuna.samplers that takes a seed and the settings "
                f"{self.settings or {}}, but {self.sampler!r} is not: {error}"
            ) from error
        return made


class ParetoProposer(Proposer):
    """Looks for the front of score against cost with NSGA-II, in a study in memory.

    What is proposed lies spread along the front, from cheap to dear. The studies that networks are
    trained in stay single-objective: Optuna reports curves and prunes only there.

    Args:
        cost: macs or params, for one image.
        budget: architectures scored.
        population: of NSGA-II, scored at a time.
    """

    def __init__(self, cost: Cost = "macs", budget: int = 2000, population: int = 50) -> None:
        check_cost(cost)
        check_at_least_one(budget=budget, population=population)
        self.cost = cost
        self.budget = budget
        self.population = population

    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """See `Proposer.propose`."""
        import optuna

        sampler = optuna.samplers.NSGAIISampler(
            population_size=max(self.population, 2), seed=int(rng.integers(2**32))
        )
        found: list[Candidate] = []
        with quiet():
            study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
            for asked in _asked(study, space, score, self.budget, self.population, self._values):
                found = self._front(best_of([*found, *asked], len(found) + len(asked)))
        return best_of(_spread(found, k), k)

    def _values(self, candidate: Candidate) -> list[float]:
        return [candidate.score, float(np.log(self._cost(candidate)))]

    def _front(self, candidates: list[Candidate]) -> list[Candidate]:
        scores = np.array([each.score for each in candidates])
        costs = np.array([self._cost(each) for each in candidates], dtype=np.float64)
        return [candidates[place] for place in front(scores, costs)]

    def _cost(self, candidate: Candidate) -> int:
        return int(getattr(candidate.architecture, self.cost)) + 1  # a network may cost nothing


def _asked(
    study: optuna.Study,
    space: SearchSpace,
    score: Score,
    budget: int,
    batch: int,
    values: Callable[[Candidate], list[float]],
) -> Iterator[list[Candidate]]:
    """Batches that the study's sampler asks for, scored together and told."""
    from optuna.trial import TrialState

    for start in range(0, budget, batch):
        trials = [study.ask() for _ in range(min(batch, budget - start))]
        asked = scored([made(space, Ask(trial)) for trial in trials], score)
        for trial, candidate in zip(trials, asked, strict=True):
            if np.isfinite(candidate.score):
                study.tell(trial, values(candidate))
            else:  # forbidden: the sampler must not learn from it as from a bad value
                study.tell(trial, state=TrialState.FAIL)
        yield asked


def _spread(ordered: list[Candidate], k: int) -> list[Candidate]:
    """At most k of them, evenly from the first to the last."""
    places = np.linspace(len(ordered) - 1, 0, min(k, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]
