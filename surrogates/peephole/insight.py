"""What a fitted Peephole has learnt, as the paper looks at it (section 4.4).

Of several members the first one is looked into: each has cells of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nas.core.architecture import Architecture, PlacedLayer
from nas.core.corpus import Corpus
from nas.core.errors import InvalidSurrogate
from surrogates.peephole.surrogate import Peephole

if TYPE_CHECKING:
    from surrogates.peephole.network import PeepholeNetwork

MOST = 400
"""Networks that `named_cells` reads."""


@dataclass(frozen=True)
class NamedCell:
    """The LSTM cell that tells best where layers of one type stand.

    Attributes:
        op: the type.
        cell: number of the cell, from 0.
        correlation: of its state behind a layer with "this layer is of that type", over layers of
            networks that it was not chosen by; negative where the cell falls at that type.
        mean: of its state over these layers.
        std: of its state over these layers.
    """

    op: str
    cell: int
    correlation: float
    mean: float
    std: float

    def answers(self, states: np.ndarray) -> np.ndarray:
        """How much more than usual it says "this layer is of that type".

        Args:
            states: (layers, hidden) as from `responses`.

        Returns:
            (layers,) in standard deviations of its state, above 0 where it tends towards the type.
        """
        standard = (states[:, self.cell] - self.mean) / (self.std or 1.0)
        return np.asarray(np.sign(self.correlation) * standard)


def read_layers(peephole: Peephole, architecture: Architecture) -> Sequence[PlacedLayer]:
    """The layers that the surrogate reads, from input to output."""
    whole = peephole.sequence == "network"
    return architecture.layers() if whole else architecture.designs()


def responses(peephole: Peephole, architecture: Architecture) -> np.ndarray:
    """States (layers, hidden) of the LSTM's cells, in (-1, 1), behind each layer that it reads.

    Raises:
        InvalidSurrogate: not fitted yet.
    """
    return next(_states(peephole, [architecture]))


def structural_features(peephole: Peephole, corpus: Corpus) -> np.ndarray:
    """Structural features (n, width) of a corpus' networks: what its MLP knows of each.

    Raises:
        InvalidSurrogate: not fitted yet.
    """
    import torch

    from surrogates.peephole.network import features

    network = _first(peephole)
    sequences = peephole._encode([record.architecture for record in corpus])
    with torch.inference_mode():
        known = features(network, sequences).double().cpu().numpy()
    return np.asarray(known[sequences.networks])


def named_cells(peephole: Peephole, corpus: Corpus, seed: int = 0) -> list[NamedCell]:
    """For each type of layer the cell whose state correlates most with it.

    Cells are chosen by one half of the networks; the correlation told is that over the other half.
    Types that stand in only one of the halves, and those of every layer, have no cell.

    Args:
        peephole: fitted.
        corpus: networks of its task; of many, `MOST` are drawn.
        seed: of that draw, and of the halves.

    Returns:
        The highest absolute correlation first.

    Raises:
        InvalidSurrogate: not fitted yet.
    """
    networks = list({r.architecture.key: r.architecture for r in corpus}.values())
    order = np.random.default_rng(seed).permutation(len(networks))[:MOST]
    halves = [[networks[i] for i in order[start::2]] for start in (0, 1)]
    chosen_by, told_by = (_Layers.of(peephole, half) for half in halves)
    cells = []
    for op in chosen_by.types() & told_by.types():
        cell = int(np.argmax(np.abs(chosen_by.correlations(op))))
        correlation = float(told_by.correlations(op)[cell])
        mean, std = float(told_by.mean[cell]), float(told_by.std[cell])
        cells.append(NamedCell(op, cell, correlation, mean, std))
    return sorted(cells, key=lambda each: (-abs(each.correlation), each.op))


@dataclass(frozen=True)
class _Layers:
    """All layers of some networks: the states (layers, hidden) behind them, and their types."""

    states: np.ndarray
    ops: np.ndarray

    @classmethod
    def of(cls, peephole: Peephole, networks: Sequence[Architecture]) -> _Layers:
        states = [np.zeros((0, peephole.hidden)), *_states(peephole, networks)]
        ops = [p.layer.op for each in networks for p in read_layers(peephole, each)]
        return cls(np.concatenate(states), np.array(ops))

    @cached_property
    def mean(self) -> np.ndarray:
        return np.asarray(self.states.mean(axis=0))

    @cached_property
    def std(self) -> np.ndarray:
        return np.asarray(self.states.std(axis=0))

    def types(self) -> set[str]:
        """Those of some layers, but not of all."""
        found = set(self.ops.tolist())
        return found if len(found) > 1 else set()

    def correlations(self, op: str) -> np.ndarray:
        """Of each cell (hidden,) with "this layer is of that type"."""
        here = self.ops == op
        share = here.mean()
        # Of a 0/1 variable: its covariance with x, over both standard deviations.
        covariance = share * (self.states[here].mean(axis=0) - self.mean)
        spread = np.where(self.std > 0, self.std, 1.0) * np.sqrt(share * (1 - share))
        return np.asarray(covariance / spread)


def _states(peephole: Peephole, networks: Sequence[Architecture]) -> Iterator[np.ndarray]:
    import torch

    network = _first(peephole)
    sequences = peephole._encode(networks)
    device = next(network.parameters()).device
    with torch.inference_mode():
        layers = network.embed(torch.from_numpy(sequences.table).to(device))
        for number in sequences.networks:
            tokens = torch.tensor(sequences.layers[number], device=device)
            every, _ = network.lstm(layers[tokens])
            yield every.double().cpu().numpy()


def _first(peephole: Peephole) -> PeepholeNetwork:
    if not hasattr(peephole, "weights_"):
        raise InvalidSurrogate("Peephole must be fitted before it is looked into; call fit(corpus)")
    return peephole._modules()[0]
