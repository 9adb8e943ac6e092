"""The layers of several networks as arrays: each distinct placed layer is looked at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nas.core.architecture import Architecture, Layer, PlacedLayer

CONVOLUTIONS = ("conv", "depthwise", "inverted_bottleneck")
POOLS = ("max_pool", "avg_pool")


@lru_cache(maxsize=4096)
def token(layer: Layer, wiring: bool = True) -> str:
    """A layer's op and settings in one word, such as conv3x3/width64; equal for equal layers.

    Args:
        layer: the layer.
        wiring: also tell where its inputs come from, where that is not the layer before.
    """
    text = layer.op
    if layer.kernel != (1, 1) or layer.op in CONVOLUTIONS:
        text += f"{layer.kernel[0]}x{layer.kernel[1]}"
    for name in ("ratio", "width", "stride", "groups"):
        value = getattr(layer, name)
        if value not in (None, 1):
            text += f"/{name}{value:g}"
    text += "".join(f"/{name}={layer.args[name]}" for name in sorted(layer.args))
    chained = layer.inputs == (-1,) or not wiring
    return text if chained else f"{text}/from{','.join(map(str, layer.inputs))}"


@dataclass(frozen=True)
class Layers:
    """All layers of n networks, one network behind the other.

    Attributes:
        distinct: every placed layer that occurs.
        ids: (total,) which of them stands there.
        starts: (n,) where each network begins.
    """

    distinct: list[PlacedLayer]
    ids: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, architectures: Sequence[Architecture]) -> Layers:
        """The layers of these networks, at least one."""
        numbers: dict[PlacedLayer, int] = {}
        # Blocks repeat, and a repeated block has the same objects: most need no hash of a layer.
        known: dict[int, int] = {}
        ids: list[int] = []
        starts: list[int] = []
        networks = [architecture.layers() for architecture in architectures]
        for network in networks:
            starts.append(len(ids))
            for placed in network:
                number = known.get(id(placed))
                if number is None:
                    number = known[id(placed)] = numbers.setdefault(placed, len(numbers))
                ids.append(number)
        return cls(list(numbers), np.array(ids), np.array(starts))

    def column(self, value: Callable[[PlacedLayer], float]) -> np.ndarray:
        """(total,) a number of each layer."""
        values = np.array([value(placed) for placed in self.distinct], dtype=np.float64)
        return np.asarray(values[self.ids])

    def is_op(self, *ops: str) -> np.ndarray:
        """(total,) where a layer has one of these ops."""
        return np.asarray(np.array([each.layer.op in ops for each in self.distinct])[self.ids])

    def sum(self, column: np.ndarray) -> np.ndarray:
        """(n,) sums over each network."""
        return np.add.reduceat(column.astype(np.float64), self.starts)

    def mean(self, column: np.ndarray, where: np.ndarray) -> np.ndarray:
        """(n,) means over the layers `where`; 0 without any."""
        count = self.sum(where)
        return np.asarray(self.sum(np.where(where, column, 0.0)) / np.maximum(count, 1))

    def max(self, column: np.ndarray, where: np.ndarray) -> np.ndarray:
        """(n,) largest over the layers `where`; 0 without any."""
        found = np.maximum.reduceat(np.where(where, column, -np.inf), self.starts)
        return np.where(np.isfinite(found), found, 0.0)

    def min(self, column: np.ndarray, where: np.ndarray) -> np.ndarray:
        """(n,) smallest over the layers `where`; 0 without any."""
        return -self.max(-column, where)

    def first(self, column: np.ndarray, where: np.ndarray) -> np.ndarray:
        """(n,) the value at the first layer `where`; 0 without any."""
        return self._at(column, np.minimum.reduceat, where, len(column))

    def last(self, column: np.ndarray, where: np.ndarray) -> np.ndarray:
        """(n,) the value at the last layer `where`; 0 without any."""
        return self._at(column, np.maximum.reduceat, where, -1)

    def before(self, column: np.ndarray) -> np.ndarray:
        """(total,) sums over the layers in front, in the same network."""
        total = np.concatenate([[0.0], np.cumsum(column)[:-1]])
        return np.asarray(total - np.repeat(total[self.starts], self.lengths))

    @property
    def lengths(self) -> np.ndarray:
        """(n,) numbers of layers."""
        return np.diff(self.starts, append=len(self.ids))

    @property
    def places(self) -> np.ndarray:
        """(total,) place of each layer in its network, from 0."""
        return np.asarray(np.arange(len(self.ids)) - np.repeat(self.starts, self.lengths))

    def _at(
        self, column: np.ndarray, reduce: Callable[..., np.ndarray], where: np.ndarray, none: int
    ) -> np.ndarray:
        place = reduce(np.where(where, np.arange(len(column)), none), self.starts)
        inside = (place >= 0) & (place < len(column))
        return np.where(inside, column[np.where(inside, place, 0)], 0.0)
