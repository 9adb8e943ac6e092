"""The seeded stream: which architecture has which index, and which seed it is trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from nas.core.architecture import Architecture
from nas.core.choices import Draw, Option, check_seed
from nas.core.errors import InvalidOption
from nas.core.interfaces import SearchSpace
from nas.core.limits import Allows, Limits

PATIENCE = 10_000
"""Draws in a row that may give nothing new before the space counts as exhausted."""

# Last words of the seeds' entropy: what is drawn for a place of the stream, for a proposal and for
# a retraining never coincides, nor does any with the entropy (seed, draw) of the architectures.
_OF_STREAM, _OF_PROPOSAL, _OF_RETRAINING = 1, 2, 3


@dataclass(frozen=True)
class Sampled:
    """An architecture of the stream.

    Attributes:
        index: its place among the distinct architectures within the limits, from 0.
        architecture: in its canonical form.
        decisions: the answers that make it.
        options: what each answer was chosen from.
        seed: of its training.
    """

    index: int
    architecture: Architecture
    decisions: Mapping[str, Option]
    options: Mapping[str, tuple[Option, ...]]
    seed: int


def stream(space: SearchSpace, seed: int, limits: Allows | None = None) -> Iterator[Sampled]:
    """The distinct architectures of a space within limits, in seeded order, without end.

    Draw j has a generator of its own, so the stream depends on the space, the seed and the limits
    and on nothing else.

    Raises:
        InvalidOption: the seed is negative, or the space has nothing new to give.
    """
    check_seed(seed)
    limits = limits or Limits()
    known: set[str] = set()
    barren = 0
    for draw in count():
        choose = Draw(np.random.default_rng([seed, draw]))
        network = space.canonical(space.generate(choose))
        if network.key in known or not limits.allow(network):
            barren += 1
            if barren == PATIENCE:
                raise InvalidOption(_exhausted(len(known), limits))
            continue
        index, barren = len(known), 0
        known.add(network.key)
        yield Sampled(index, network, choose.decisions, choose.options, training_seed(seed, index))


def _exhausted(known: int, limits: Allows) -> str:
    return (
        f"the search space must hold more networks within the limits, but {PATIENCE} draws in a "
        f"row gave nothing new behind the first {known} ({limits}); ask for fewer networks, or "
        "widen the limits or the space"
    )


def training_seed(seed: int, index: int) -> int:
    """The seed, 32 bits, that the architecture at this place of the stream is trained with."""
    return _word(seed, index, _OF_STREAM)


def proposal_seed(seed: int, key: str) -> int:
    """The seed, 32 bits, that a proposed architecture is trained with."""
    return _word(seed, int(key, 16), _OF_PROPOSAL)


def retraining_seed(seed: int, key: str) -> int:
    """The seed, 32 bits, that an architecture is trained with again; `seed` is that of all."""
    return _word(seed, int(key, 16), _OF_RETRAINING)


def _word(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
