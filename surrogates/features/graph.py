"""The graph that a block's layers form, with what does not matter taken out.

Activations, batch normalisation, dropout, sums and concatenations are transparent: they belong to
the operation in front of or behind them. An identity is an operation, a zero cuts its edge, and
what is not on a path from input to output is dead and left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from nas.core.architecture import Block, Layer
from surrogates.features.layers import token

TRANSPARENT = frozenset(
    ("relu", "sigmoid", "tanh", "batch_norm", "dropout", "add", "concat", "global_pool")
)


class Graph(NamedTuple):
    """The living part of a block, in the order of computation.

    Attributes:
        operations: of each vertex: its layer, or None for a transparent one. The first vertex is
            the block's input, the last one its output.
        before: the vertices that each one reads; those of the output are empty in a dead block.
    """

    operations: tuple[Layer | None, ...]
    before: tuple[tuple[int, ...], ...]


def operation(layer: Layer) -> Layer | None:
    """The layer if it is an operation; None where it is transparent."""
    return None if layer.op in TRANSPARENT else layer


def name(layer: Layer) -> str:
    """What operations are told apart by: everything but the wiring, the groups and the bias."""
    return token(layer, wiring=False)


@lru_cache(maxsize=2**14)  # the same candidates are looked at many times
def graph(block: Block) -> Graph:
    """The living graph of a block; input and output alone, unconnected, where it is dead."""
    reads = _reads(block)
    living = _living(reads, len(block))
    place = {vertex: number for number, vertex in enumerate(living)}
    operations = [None if v in (0, len(reads) - 1) else operation(block[v - 1]) for v in living]
    before = [tuple(place[v] for v in reads[vertex] if v in place) for vertex in living]
    return Graph(tuple(operations), tuple(before))


def _reads(block: Block) -> list[tuple[int, ...]]:
    """What each vertex reads: 0 is the input, i + 1 layer i, the last one the output.

    A zero reads nothing. A transparent layer with one input is passed over: whoever reads it reads
    what it reads.
    """
    reads: list[tuple[int, ...]] = [()]
    stands_for = [0]
    for index, layer in enumerate(block):
        sources = tuple(stands_for[index + 1 + offset] for offset in layer.inputs)
        passed = operation(layer) is None and len(sources) == 1
        reads.append(() if layer.op == "zero" else sources)
        stands_for.append(sources[0] if passed else index + 1)
    return [*reads, (stands_for[-1],)]


def _living(reads: list[tuple[int, ...]], last: int) -> list[int]:
    """The vertices on a path from the input to the output, both ends always among them."""
    reached = {0}
    for vertex, sources in enumerate(reads):
        if not reached.isdisjoint(sources):
            reached.add(vertex)
    needed = {last + 1}
    for vertex in range(last + 1, 0, -1):
        if vertex in needed:
            needed.update(reached.intersection(reads[vertex]))
    return sorted((reached & needed) | {0, last + 1})


def operations_of(blocks: Iterable[Block]) -> set[str]:
    """The names of the operations that occur in blocks, zeros left out."""
    layers = {layer for block in blocks for layer in block}
    return {name(layer) for layer in layers if operation(layer) and layer.op != "zero"}
