"""What any network has: costs, depth, and how many layers of each type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from nas.core.architecture import Architecture


def ops(architectures: Sequence[Architecture]) -> list[str]:
    """The types of layers that occur."""
    return sorted({placed.layer.op for each in architectures for placed in each.layers()})


def names(ops: Sequence[str]) -> list[str]:
    """The names of the columns of `features`."""
    return ["log params", "log macs", "depth", *(f"number of {op}" for op in ops)]


def features(architectures: Sequence[Architecture], ops: Sequence[str]) -> np.ndarray:
    """All features (n, d)."""
    told = [_told(each) for each in architectures]
    costs = np.log1p([[params, macs] for params, macs, _ in told])
    depth = [[each.total(), *(each[op] for op in ops)] for *_, each in told]
    return np.concatenate([costs, np.array(depth, dtype=np.float64)], axis=1)


@lru_cache(maxsize=2**14)
def _told(architecture: Architecture) -> tuple[int, int, Counter[str]]:
    """Parameters, MACs and layers by type; kept, since candidates are looked at many times."""
    layers = Counter(placed.layer.op for placed in architecture.layers())
    return architecture.params, architecture.macs, layers
