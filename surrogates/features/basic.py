"""What any network has: costs, depth, and how many layers of each type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas.core.architecture import Architecture
from surrogates.features.layers import Layers


def ops(architectures: Sequence[Architecture]) -> list[str]:
    """The types of layers that occur."""
    return sorted({placed.layer.op for each in architectures for placed in each.layers()})


def names(ops: Sequence[str]) -> list[str]:
    """The names of the columns of `features`."""
    return ["log params", "log macs", "depth", *(f"number of {op}" for op in ops)]


def features(architectures: Sequence[Architecture], ops: Sequence[str]) -> np.ndarray:
    """All features (n, d)."""
    layers = Layers.of(architectures)
    return np.stack(
        [
            np.log1p(layers.sum(layers.column(lambda placed: placed.params))),
            np.log1p(layers.sum(layers.column(lambda placed: placed.macs))),
            layers.lengths.astype(np.float64),
            *(layers.sum(layers.is_op(op)) for op in ops),
        ],
        axis=1,
    )
