"""NAS-Bench-201's space: one cell of six edges, repeated in a ResNet-like skeleton (Dong 2020).

A cell has four nodes; node 1 is its input, each later node the sum of its edges from all earlier
ones, node 4 its output. An edge is nothing, a skip, an average pool, or a convolution in the order
ReLU, convolution, batch normalisation. Every edge has its layers, those of nothing and of a skip
too, so that a cell can be read back from its block.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from nas.core.architecture import Architecture, Block, Input, Layer, Skeleton
from nas.core.choices import Choose
from nas.core.errors import InvalidArchitecture
from nas.core.interfaces import SearchSpace

EDGES = ((1, 2), (1, 3), (2, 3), (1, 4), (2, 4), (3, 4))
EDGE_OPS = ("skip", "none", "conv3x3", "conv1x1", "avg_pool3x3")
INPUT = Input(3, 32, 32, 10)


def _normed(kernel: int, **settings: object) -> Block:
    conv = Layer("conv", (kernel, kernel), args={"bias": False}, **settings)  # type: ignore[arg-type]
    return (conv, Layer("batch_norm"))


# A residual block of stride 2 that doubles the channels; the short cut is pooled and projected.
_REDUCTION: Block = (
    *_normed(3, ratio=2.0, stride=2),
    Layer("relu"),
    *_normed(3),
    Layer("avg_pool", (2, 2), stride=2, inputs=(-6,)),
    Layer("conv", ratio=2.0, args={"bias": False}),
    Layer("add", inputs=(-1, -3)),
)

SKELETON = Skeleton(
    widths=(16, 32, 64),
    blocks=(5, 5, 5),
    stem=_normed(3, width=16),
    reduction=_REDUCTION,
    head=(Layer("batch_norm"), Layer("relu"), Layer("global_pool"), Layer("dense")),
)

_EDGE_LAYERS: dict[str, Block] = {
    "skip": (Layer("identity"),),
    "none": (Layer("zero"),),
    "conv3x3": (Layer("relu"), *_normed(3)),
    "conv1x1": (Layer("relu"), *_normed(1)),
    "avg_pool3x3": (Layer("avg_pool", (3, 3)),),
}


class CellSpace(SearchSpace):
    """All 15,625 cells of NAS-Bench-201, one question an edge."""

    input = INPUT

    def generate(self, choose: Choose) -> Architecture:
        """See `SearchSpace.generate`."""
        ops = [choose(f"edge{start}-{end}", EDGE_OPS) for start, end in EDGES]
        return cell_network(dict(zip(EDGES, ops, strict=True)), self.input)


def cell_network(ops: dict[tuple[int, int], str], input: Input = INPUT) -> Architecture:
    """The network whose cell has these operations, named as in `EDGE_OPS`, on its six edges.

    Raises:
        InvalidArchitecture: an edge is missing or its operation unknown.
    """
    if set(ops) != set(EDGES) or not set(ops.values()) <= set(EDGE_OPS):
        raise InvalidArchitecture(
            f"a cell must have one of {EDGE_OPS} on each of the edges {EDGES}, but got {ops}"
        )
    return Architecture((_cell(ops),), SKELETON, input)


def _cell(ops: dict[tuple[int, int], str]) -> Block:
    layers: list[Layer] = []
    ends = {1: -1}  # index of each node's layer; -1 is the cell's input
    for node in (2, 3, 4):
        arriving = []
        for start in range(1, node):
            layers += _edge(ops[start, node], ends[start] - len(layers))
            arriving.append(len(layers) - 1)
        layers.append(_sum(tuple(at - len(layers) for at in arriving)))
        ends[node] = len(layers) - 1
    return tuple(layers)


@cache  # few different layers make all cells
def _edge(op: str, offset: int) -> Block:
    first, *rest = _EDGE_LAYERS[op]
    return (replace(first, inputs=(offset,)), *rest)


@cache
def _sum(offsets: tuple[int, ...]) -> Layer:
    return Layer("add", inputs=offsets)
