"""What stands where: for networks that all have the same number of places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas.core.architecture import Architecture, Block
from surrogates.features.layers import token


def places(architecture: Architecture) -> list[str]:
    """What stands at each place: the block designs where there are several, else the layers."""
    if len(architecture.blocks) > 1:
        return [_word(block) for block in architecture.blocks]
    return [token(layer) for layer in architecture.blocks[0]]


def values(architectures: Sequence[Architecture]) -> list[str]:
    """What occurs at each place, as names of columns: "place 3: conv3x3/width64"."""
    found = {pair for each in architectures for pair in enumerate(places(each))}
    return [_name(place, word) for place, word in sorted(found)]


def one_hot(architectures: Sequence[Architecture], values: Sequence[str]) -> np.ndarray:
    """(n, values): 1 where a network has that value; what was never seen has no column."""
    column = {value: number for number, value in enumerate(values)}
    rows = np.zeros((len(architectures), len(values)))
    for row, architecture in zip(rows, architectures, strict=True):
        for place, word in enumerate(places(architecture)):
            if _name(place, word) in column:
                row[column[_name(place, word)]] = 1.0
    return rows


def _word(block: Block) -> str:
    return " ".join(token(layer) for layer in block)


def _name(place: int, word: str) -> str:
    return f"place {place}: {word}"
