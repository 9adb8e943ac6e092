"""What a fitted Peephole has learnt, as the paper looks at it (section 4.4).

Of several members the first one is looked into: each has cells of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
    """

    op: str
    cell: int
    correlation: float


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
    chosen_by, told_by = (_correlations(peephole, half) for half in halves)
    cells = []
    for op in chosen_by.keys() & told_by.keys():
        cell = int(np.argmax(np.abs(chosen_by[op])))
        cells.append(NamedCell(op, cell, float(told_by[op][cell])))
    return sorted(cells, key=lambda each: (-abs(each.correlation), each.op))


def _correlations(peephole: Peephole, networks: Sequence[Architecture]) -> dict[str, np.ndarray]:
    """By type of layer, the correlation (hidden,) of each cell with it, over all layers read."""
    if not networks:
        return {}
    states = np.concatenate(list(_states(peephole, networks)))
    ops = np.array([p.layer.op for each in networks for p in read_layers(peephole, each)])
    spread = states.std(axis=0)
    standard = (states - states.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    found = {}
    for op in np.unique(ops).tolist():
        here = ops == op
        share = here.mean()
        if share < 1:
            # Of a 0/1 variable: its covariance with x, over both standard deviations.
            covariance = share * standard[here].mean(axis=0)
            found[op] = covariance / np.sqrt(share * (1 - share))
    return found


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
