"""What proposers share: making candidates, scoring them in one batch, keeping the best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nas.core.architecture import Architecture
from nas.core.choices import Choose
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate, Score, SearchSpace

Made = tuple[Choose, Architecture]
"""A chooser that has answered, and the architecture in its canonical form."""


def made(space: SearchSpace, choose: Choose) -> Made:
    """Lets a chooser decide on an architecture."""
    return choose, space.canonical(space.generate(choose))


def scored(networks: Sequence[Made], score: Score) -> list[Candidate]:
    """One candidate for each network, all scored in one batch."""
    values = score([architecture for _, architecture in networks])
    return [
        Candidate(architecture, float(value), choose.decisions, choose.options)
        for (choose, architecture), value in zip(networks, values, strict=True)
    ]


def best_of(candidates: Iterable[Candidate], k: int) -> list[Candidate]:
    """The k best different candidates, best first; forbidden ones are left out.

    Of equal scores the one that came first stands first, so that a seed gives one answer.
    """
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.score > -np.inf:
            first.setdefault(candidate.architecture.key, candidate)
    return sorted(first.values(), key=lambda candidate: -candidate.score)[:k]


def check_at_least_one(**numbers: int) -> None:
    """Raises InvalidOption for a setting below 1."""
    for name, number in numbers.items():
        if number < 1:
            raise InvalidOption(f"{name} must be at least 1, but got {number}")
