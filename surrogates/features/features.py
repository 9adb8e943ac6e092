"""Named sets of features, and which of them suit a corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self, get_args

import numpy as np

from nas.core.architecture import Architecture
from nas.core.errors import InvalidCorpus, InvalidOption, InvalidSurrogate
from surrogates.features import basic, cell, chain, positions

FeatureName = Literal["auto", "basic", "chain", "grams", "cell", "positions"]

# More designs at a place than this, on average, and a column each says little about new networks.
MOST_DESIGNS = 12
# Far below any difference that means something, far above the rounding of a sum, so that a
# threshold of a tree never falls between two roundings of one number.
_DECIMALS = 8


class FeatureSet(NamedTuple):
    """One set: what it learns, what its columns are called, and how they are computed.

    Attributes:
        learn: the vocabulary of training networks, as plain words.
        names: of the d columns, given the vocabulary.
        matrix: (n, d) for n >= 1 networks, given the vocabulary.
    """

    learn: Callable[[Sequence[Architecture]], list[str]]
    names: Callable[[Sequence[str]], list[str]]
    matrix: Callable[[Sequence[Architecture], Sequence[str]], np.ndarray]


SETS: Mapping[str, FeatureSet] = {
    "basic": FeatureSet(basic.ops, basic.names, basic.features),
    "summary": FeatureSet(chain.nothing, chain.names, chain.features),
    "grams": FeatureSet(chain.frequent_grams, list, chain.gram_counts),
    "graf": FeatureSet(cell.frequent_operations, cell.graf_names, cell.graf),
    "census": FeatureSet(cell.nothing, cell.census_names, cell.census),
    "positions": FeatureSet(positions.values, list, positions.one_hot),
}

# The sets behind each name.
NAMED: Mapping[FeatureName, tuple[str, ...]] = {
    "basic": ("basic",),
    "chain": ("summary",),
    "grams": ("summary", "grams"),
    "cell": ("basic", "graf", "census"),
    "positions": ("positions", "summary"),
}


class Features:
    """Features of architectures: learns a vocabulary, then computes (n, d) matrices.

    Args:
        name: basic: costs, depth, layers per type. chain: a summary of the layers in order.
            grams: the summary, and counts of frequent layers and pairs; boosting gains a little
            from them, Gaussian processes and forests lose. cell: of the graph that a block is.
            positions: what stands at each place, and the summary. auto: positions where networks
            have several blocks of few designs, cell where blocks in a skeleton are graphs, else
            chain.
    """

    def __init__(self, name: FeatureName = "auto") -> None:
        if name not in get_args(FeatureName):
            raise InvalidOption(
                f"features must be one of {', '.join(get_args(FeatureName))}, but got {name!r}"
            )
        self.name = name
        self._words: dict[str, list[str]] = {}
        self._kept: list[str] = []

    def fit(self, architectures: Sequence[Architecture]) -> Self:
        """Learns vocabularies, and which columns vary: the others are left out, but for one.

        Raises:
            InvalidCorpus: there is no architecture.
        """
        if not architectures:
            raise InvalidCorpus("features need at least one network to learn from, but got none")
        name = suited(architectures) if self.name == "auto" else self.name
        self._words = {each: SETS[each].learn(architectures) for each in NAMED[name]}
        self._kept = self._all_names()
        varies = np.ptp(self.matrix(architectures), axis=0) > 0
        varies[0] |= not varies.any()  # models need a column, if it says nothing
        self._kept = [each for each, kept in zip(self._kept, varies, strict=True) if kept]
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._kept)

    def matrix(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Features (n, d) as float64, all finite; a row depends on its network alone."""
        if not architectures:
            return np.zeros((0, len(self._kept)))
        parts = [SETS[each].matrix(architectures, words) for each, words in self._words.items()]
        place = {name: column for column, name in enumerate(self._all_names())}
        kept = [place[name] for name in self._kept]
        return np.round(np.concatenate(parts, axis=1)[:, kept], _DECIMALS)

    def state(self) -> dict[str, Any]:
        """What was learnt, as plain values."""
        return {"name": self.name, "words": self._words, "columns": self._kept}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The features that `state` described.

        Raises:
            InvalidSurrogate: it names sets that there are not.
        """
        made = cls(state["name"])
        made._words, made._kept = dict(state["words"]), list(state["columns"])
        if not set(made._words) <= set(SETS) or not set(made._kept) <= set(made._all_names()):
            raise InvalidSurrogate(
                f"saved features must be among {', '.join(SETS)}, but got "
                f"{', '.join(made._words)}; they come from another version: fit again"
            )
        return made

    def _all_names(self) -> list[str]:
        return [f"{s}: {n}" for s, words in self._words.items() for n in SETS[s].names(words)]


def suited(architectures: Sequence[Architecture]) -> FeatureName:
    """The name of the features that suit these networks."""
    first = architectures[0]
    if all(len(each.blocks) == len(first.blocks) > 1 for each in architectures):
        designs = {pair for each in architectures for pair in enumerate(each.blocks)}
        # A design that a single network has tells nothing of the others.
        if len(designs) <= min(MOST_DESIGNS, len(architectures) / 2) * len(first.blocks):
            return "positions"
    # In a plain skeleton one block is a whole network: short cuts and all, it is rather a chain.
    staged = bool(first.skeleton.widths)
    blocks = (block for each in architectures for block in each.blocks)
    if staged and any(layer.inputs != (-1,) for block in blocks for layer in block):
        return "cell"
    return "chain"
