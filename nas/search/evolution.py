"""Ageing evolution (Real et al. 2019): parents by tournament, children by one mutation."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from nas.core.choices import Choose, Draw, Mutate
from nas.core.interfaces import Candidate, Proposer, Score, SearchSpace
from nas.search.candidates import Made, best_of, check_at_least_one, made, scored

TRIES = 10
"""Mutations one upon another before a network that is known already is drawn afresh instead."""


class EvolutionProposer(Proposer):
    """Evolves a population towards a high score; the oldest die, whatever their score.

    Args:
        budget: architectures scored in all.
        population: how many live at a time; the first ones are drawn from the space.
        sample: members of a tournament; its best becomes a parent.
        batch: children scored at a time.
    """

    def __init__(
        self, budget: int = 1000, population: int = 100, sample: int = 10, batch: int = 50
    ) -> None:
        check_at_least_one(budget=budget, population=population, sample=sample, batch=batch)
        self.budget = budget
        self.population = population
        self.sample = sample
        self.batch = batch

    def propose(
        self, space: SearchSpace, score: Score, k: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """See `Proposer.propose`."""
        living: deque[Candidate] = deque(maxlen=self.population)
        known: set[str] = set()
        found: list[Candidate] = []
        for generation in self._generations(space, living, known, rng):
            known |= {architecture.key for _, architecture in generation}
            children = scored(generation, score)
            living.extend(each for each in children if each.score > -np.inf)
            found = best_of([*found, *children], k)
        return found

    def _generations(
        self,
        space: SearchSpace,
        living: Sequence[Candidate],
        known: Collection[str],
        rng: np.random.Generator,
    ) -> Iterator[list[Made]]:
        first = min(self.population, self.budget)
        yield [made(space, Draw(rng)) for _ in range(first)]
        for start in range(first, self.budget, self.batch):
            number = min(self.batch, self.budget - start)
            yield [self._child(space, living, known, rng) for _ in range(number)]

    def _child(
        self,
        space: SearchSpace,
        living: Sequence[Candidate],
        known: Collection[str],
        rng: np.random.Generator,
    ) -> Made:
        if not living:  # nothing was allowed so far
            return made(space, Draw(rng))
        return offspring(space, tournament(living, self.sample, rng), known, rng)


def tournament(living: Sequence[Candidate], sample: int, rng: np.random.Generator) -> Candidate:
    """The best of so many members, drawn with replacement."""
    drawn = rng.integers(len(living), size=sample)
    return max((living[int(place)] for place in drawn), key=lambda each: each.score)


def offspring(
    space: SearchSpace, parent: Candidate, known: Collection[str], rng: np.random.Generator
) -> Made:
    """A network that is not known yet, as few mutations from its parent as it takes.

    After `TRIES` mutations that led to known ones, it is drawn from the space, known or not.
    """
    choose: Choose | Candidate = parent
    for _ in range(TRIES):
        choose, architecture = made(space, _mutation(choose, rng))
        if architecture.key not in known:
            return choose, architecture
    return made(space, Draw(rng))


def _mutation(of: Choose | Candidate, rng: np.random.Generator) -> Mutate:
    """A change of one decision, each as likely, among those with more than one option."""
    sites = [name for name, options in of.options.items() if len(options) > 1]
    site = sites[int(rng.integers(len(sites)))] if sites else ""
    return Mutate(of.decisions, site, rng)
