"""What a cell is like: a block whose layers form a graph.

Two sets of features. GRAF (Kadlecova et al. 2024, "Surprisingly strong performance prediction with
neural graph features"): for each subset of the operations the shortest path from input to output
that avoids it, and the largest number of its operations on one path; and how many of its
operations leave the input and arrive at the output. And a census of all paths from input to
output: how many there are by their numbers of convolutions, of convolutions wider than 1x1, of
pools and of operations. On NAS-Bench-201 the census is worth more than the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nas.core.architecture import Architecture, Block, Layer
from surrogates.features.graph import Graph, graph, name, operations_of
from surrogates.features.layers import CONVOLUTIONS, POOLS

MOST_OPERATIONS = 12
ALL_SUBSETS = 5  # up to so many operations every subset is looked at, else singles and pairs
KINDS = ("convolutions", "wide convolutions", "pools", "operations")
MOST = (3, 3, 2, 4)  # of each kind on a path; the last count means that many or more
_MOST_PATHS = 1e100  # deep residual networks have 2^n paths: counts stop well below infinity


def frequent_operations(architectures: Sequence[Architecture]) -> list[str]:
    """The operations that occur in most networks, by name."""
    found = Counter(op for each in architectures for op in operations_of(each.blocks))
    return sorted(sorted(found, key=lambda op: (-found[op], op))[:MOST_OPERATIONS])


def subsets(operations: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets of operations that features are about, none of them empty."""
    most = len(operations) if len(operations) <= ALL_SUBSETS else 2
    found = [s for size in range(1, most + 1) for s in combinations(operations, size)]
    return found if most == len(operations) else [*found, tuple(operations)]


def graf_names(operations: Sequence[str]) -> list[str]:
    """The names of the columns of `graf`."""
    words = [" or ".join(each) for each in subsets(operations)]
    return [
        *(f"number of {each}" for each in operations),
        "shortest path",
        *(f"shortest path without {word}" for word in words),
        *(f"most {word} on a path" for word in words),
        *(f"{word} at the input" for word in words),
        *(f"{word} at the output" for word in words),
    ]


def graf(architectures: Sequence[Architecture], operations: Sequence[str]) -> np.ndarray:
    """GRAF features (n, d); the mean over its blocks where a network has several."""
    chosen = subsets(operations)
    members = np.array([op in each for each in chosen for op in operations], dtype=np.float64)
    members = members.reshape(len(chosen), len(operations))
    place = {op: number for number, op in enumerate(operations)}

    def rows(group: _Group) -> np.ndarray:
        # One more row of zeros: operations that are not among the known ones.
        known = np.concatenate([np.eye(len(operations)), np.zeros((1, len(operations)))])
        one_hot = known[group.codes(lambda layer: place.get(name(layer), -1))]
        inside = one_hot @ members.T
        return np.concatenate(
            [
                one_hot.sum(axis=1),
                _shortest(group, inside > 0),
                _most(group, inside),
                group.at_input() @ inside,
                group.at_output() @ inside,
            ],
            axis=1,
        )

    return _by_network(architectures, rows, len(graf_names(operations)))


def nothing(architectures: Sequence[Architecture]) -> list[str]:
    """The census learns nothing."""
    return []


def census_names(words: Sequence[str] = ()) -> list[str]:
    """The names of the columns of `census`."""
    return [
        "log paths",
        *(
            f"log paths with {count} {kind}"
            for kind, most in zip(KINDS, MOST, strict=True)
            for count in range(most + 1)
        ),
        *(
            f"log paths with {convs} {kind} and {pools}"
            for kind, most in zip(KINDS[:2], MOST, strict=False)
            for convs in range(most + 1)
            for pools in ("no pool", "pools")
        ),
        *(f"log {kind} on all paths" for kind in KINDS),
    ]


def census(architectures: Sequence[Architecture], words: Sequence[str] = ()) -> np.ndarray:
    """Numbers of paths by what is on them, (n, d); the mean over the blocks of a network."""

    def rows(group: _Group) -> np.ndarray:
        paths, totals = _count_paths(group, group.codes(_kind))
        one = [
            paths.sum(axis=tuple(axis for axis in range(1, 5) if axis != kind + 1))
            for kind in range(len(KINDS))
        ]
        pools = np.stack([paths[:, :, :, 0], paths[:, :, :, 1:].sum(axis=3)], axis=3).sum(axis=4)
        both = [
            pools.sum(axis=2).reshape(len(paths), -1),
            pools.sum(axis=1).reshape(len(paths), -1),
        ]
        count = one[0].sum(axis=1, keepdims=True)
        return np.asarray(np.log2(1 + np.concatenate([count, *one, *both, totals], axis=1)))

    return _by_network(architectures, rows, len(census_names()))


@dataclass(frozen=True)
class _Group:
    """Graphs that differ in their operations only."""

    graphs: list[Graph]

    @property
    def before(self) -> tuple[tuple[int, ...], ...]:
        return self.graphs[0].before

    @property
    def transparent(self) -> list[bool]:
        return [layer is None for layer in self.graphs[0].operations]

    def codes(self, code: Callable[[Layer], int]) -> np.ndarray:
        """(graphs, vertices) a whole number of each operation; -1 for transparent vertices."""
        layers = {layer for each in self.graphs for layer in each.operations}
        known = {layer: -1 if layer is None else code(layer) for layer in layers}
        return np.array([[known[layer] for layer in each.operations] for each in self.graphs])

    def at_input(self) -> np.ndarray:
        """(vertices,) how often each operation reads the input, transparent vertices between."""
        ways = np.zeros(len(self.before))
        ways[0] = 1.0
        found = np.zeros(len(self.before))
        for vertex, sources in enumerate(self.before[1:], start=1):
            reads = min(ways[list(sources)].sum(), _MOST_PATHS)
            (ways if self.transparent[vertex] else found)[vertex] = reads
        return found

    def at_output(self) -> np.ndarray:
        """(vertices,) how often the output reads each operation, transparent vertices between."""
        ways = np.zeros(len(self.before))
        ways[-1] = 1.0
        for vertex in range(len(self.before) - 1, 0, -1):
            if self.transparent[vertex]:
                for source in self.before[vertex]:
                    ways[source] = min(ways[source] + ways[vertex], _MOST_PATHS)
        return np.where(self.transparent, 0.0, ways)


def _by_network(
    architectures: Sequence[Architecture], rows: Callable[[_Group], np.ndarray], width: int
) -> np.ndarray:
    """Features of each distinct block, averaged over the blocks of each network."""
    numbers: dict[Block, int] = {}
    blocks = [[numbers.setdefault(b, len(numbers)) for b in a.blocks] for a in architectures]
    groups: dict[tuple[object, ...], list[tuple[int, Graph]]] = {}
    for block, number in numbers.items():
        made = graph(block)
        shape = (made.before, tuple(layer is None for layer in made.operations))
        groups.setdefault(shape, []).append((number, made))
    found = np.zeros((len(numbers), width))
    for members in groups.values():
        found[[number for number, _ in members]] = rows(_Group([made for _, made in members]))
    return np.array([found[each].mean(axis=0) for each in blocks]).reshape(-1, width)


def _shortest(group: _Group, inside: np.ndarray) -> np.ndarray:
    """Operations on the shortest path, without restriction and avoiding each subset.

    Where there is no such path: one more than the longest path has.
    """
    never = np.zeros((*inside.shape[:2], 1), dtype=bool)
    blocked = np.where(np.concatenate([never, inside], axis=2), np.inf, 0.0)
    distance = np.full_like(blocked, np.inf)
    distance[:, 0] = 0.0
    longest = np.zeros(len(group.before))
    for vertex, sources in enumerate(group.before):
        if sources:
            step = float(not group.transparent[vertex])
            nearest = distance[:, list(sources)].min(axis=1)
            distance[:, vertex] = nearest + blocked[:, vertex] + step
            longest[vertex] = longest[list(sources)].max() + step
    return np.where(np.isfinite(distance[:, -1]), distance[:, -1], longest[-1] + 1)


def _most(group: _Group, inside: np.ndarray) -> np.ndarray:
    """The largest number of operations of each subset on one path."""
    most = np.zeros(inside.shape)
    for vertex, sources in enumerate(group.before):
        if sources:
            most[:, vertex] = most[:, list(sources)].max(axis=1) + inside[:, vertex]
    return np.asarray(most[:, -1])


def _kind(layer: Layer) -> int:
    """0 a convolution, 1 a wide one, 2 a pool, 3 another operation."""
    if layer.op in CONVOLUTIONS:
        return int(max(layer.kernel) > 1)
    return 2 if layer.op in POOLS else 3


# What an operation of each kind adds to the counts of a path; the last row, reached by the code
# -1, is a transparent vertex.
_ADDS = np.array([(1, 0, 0, 1), (1, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 1), (0, 0, 0, 0)])


def _count_paths(group: _Group, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of paths to the output by the counts of each kind, and totals of each kind.

    Returns:
        (graphs, 4, 4, 3, 5) paths by counts up to `MOST`, and (graphs, 4) the operations of each
        kind, summed over all paths.
    """
    n, vertices = codes.shape
    paths = np.zeros((vertices, n, *(most + 1 for most in MOST)))
    totals = np.zeros((vertices, n, len(KINDS)))
    paths[0, :, 0, 0, 0, 0] = 1.0
    for vertex, sources in enumerate(group.before):
        if not sources:
            continue
        arriving = np.minimum(paths[list(sources)].sum(axis=0), _MOST_PATHS)
        count = arriving.reshape(n, -1).sum(axis=1)
        adds = _ADDS[codes[:, vertex]]
        total = totals[list(sources)].sum(axis=0) + count[:, None] * adds
        totals[vertex] = np.minimum(total, _MOST_PATHS)
        for kind in range(len(KINDS)):
            where = adds[:, kind] > 0
            arriving[where] = _shifted(arriving[where], kind + 1)
        paths[vertex] = arriving
    return paths[-1], totals[-1]


def _shifted(paths: np.ndarray, axis: int) -> np.ndarray:
    """One more of a kind; the last count stays where it is."""
    moved = np.moveaxis(paths, axis, -1)
    out = np.zeros_like(moved)
    out[..., 1:] = moved[..., :-1]
    out[..., -1] += moved[..., -1]
    return np.moveaxis(out, -1, axis)
