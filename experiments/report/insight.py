"""What a fitted Peephole has learnt, as the paper shows it: its cells, and its map of networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.content import Content
from experiments.report.figures import feature_map, heat_strip
from experiments.report.parts import Plot, Plots, Section, Table
from experiments.report.structure import NEIGHBOURS, PERMUTATIONS, neighbour_test, structure_map
from nas.core.architecture import Architecture
from nas.core.corpus import Corpus
from nas.core.interfaces import Surrogate
from nas.core.notebook import short_layer
from nas.core.records import Record
from surrogates import Calibrated, Ensemble, Peephole

if TYPE_CHECKING:
    from surrogates.peephole.insight import NamedCell

LEAST = 12
"""Different networks below which there is no map, and no test of neighbours."""
MOST = 1000
"""Networks on a map; of more, so many are drawn."""
LEAST_CORRELATION = 0.3
"""Cells that go less with their type are in the table alone."""
_LAYERS = 24


def learnt(content: Content) -> Iterator[Section]:
    """Sections on the folder's surrogate, if it is a Peephole, or holds one."""
    peephole, known = peephole_in(content.surrogate), content.known
    if peephole is None or known is None:
        return
    which = "" if peephole is content.surrogate else f" in the {type(content.surrogate).__name__}"
    networks = _once(known)
    yield from _cells(peephole, networks, which)
    seen = None if content.fitted is None else {r.architecture.key for r in content.fitted}
    yield from _map(peephole, networks, seen)


def peephole_in(surrogate: Surrogate | None) -> Peephole | None:
    """The surrogate if it is a Peephole, else the first one that it wraps."""
    match surrogate:
        case Peephole():
            return surrogate
        case Calibrated():
            return peephole_in(surrogate.surrogate_)
        case Ensemble():
            return next(filter(None, map(peephole_in, surrogate.members_)), None)
    return None


def _once(known: Corpus) -> Corpus:
    """Each architecture once, with the mean accuracy of its trainings."""
    trainings: dict[str, list[Record]] = {}
    for record in known:
        trainings.setdefault(record.architecture.key, []).append(record)
    means = [
        replace(same[0], target=fmean(each.target or 0.0 for each in same))
        for same in trainings.values()
    ]
    return replace(known, records=tuple(means))


def _cells(peephole: Peephole, known: Corpus, which: str) -> Iterator[Section]:
    """The cells that tell one type of layer from the others, along blocks."""
    from surrogates.peephole.insight import named_cells

    cells = named_cells(peephole, known)
    if not cells:
        return
    rows = [[each.op, str(each.cell), f"{each.correlation:+.2f}"] for each in cells]
    member = " of its first member" if peephole.members > 1 else ""
    words = [
        f"The LSTM{member}{which} reads a network layer by layer. For each type of layer, this is "
        f"the cell among its {peephole.hidden} whose state goes most with “this layer is of that "
        "type”: chosen on one half of the networks, the correlation measured on the other.",
        "Each strip shows what these cells say along the layers of a network's first block, in "
        "standard deviations of a cell's state over all layers: orange where it says “this is my "
        f"type”. Types that are not in the block, and cells with a correlation below "
        f"{LEAST_CORRELATION}, are left out of it.",
    ]
    table = Table("Cells by type of layer", ["type", "cell", "correlation"], rows)
    strips = [strip for each in _examples(known) for strip in _strip(peephole, *each, cells)]
    yield Section("What the cells answer to", words, [*strips, table])


def _examples(known: Corpus) -> list[tuple[str, Architecture]]:
    """The best network, and the worst."""
    ranked = known.best()
    ends = (("best", ranked[0]), ("worst", ranked[-1]))
    return [
        (f"The {name} network, {record.architecture.key}: {record.target:.4f}", record.architecture)
        for name, record in ends[: len(ranked)]
    ]


def _strip(
    peephole: Peephole, caption: str, network: Architecture, cells: Sequence[NamedCell]
) -> Iterator[Plot]:
    """The answers of cells along a network's first block, where it has layers of their types."""
    from surrogates.peephole.insight import read_layers, responses

    place = _block(peephole, network)
    read = read_layers(peephole, network)[place]
    types = {placed.layer.op for placed in read}
    shown = [c for c in cells if c.op in types and abs(c.correlation) >= LEAST_CORRELATION]
    if not shown:
        return
    states = responses(peephole, network)[place]
    names = [f"{each.op} · cell {each.cell}" for each in shown]
    layers = [short_layer(placed.layer) for placed in read]
    if len(network.blocks[0]) > _LAYERS:
        caption += f"; the first {_LAYERS} of its {len(network.blocks[0])} layers"
    figure = heat_strip(np.stack([each.answers(states) for each in shown]), layers, names)
    yield Plot(figure, caption, width=200 + 24 * len(layers))


def _block(peephole: Peephole, network: Architecture) -> slice:
    """Where the first block stands among the layers that are read."""
    staged = peephole.sequence == "network" and network.skeleton.widths
    start = len(network.skeleton.stem) if staged else 0
    return slice(start, start + min(len(network.blocks[0]), _LAYERS))


def _map(peephole: Peephole, known: Corpus, seen: set[str] | None) -> Iterator[Section]:
    """The structural features by t-SNE."""
    from surrogates.peephole.insight import structural_features

    if len(known) < LEAST:
        return
    shown = known
    if len(known) > MOST:
        drawn = np.random.default_rng(0).choice(len(known), MOST, replace=False)
        shown = known.take(np.sort(drawn))
    # Networks that the predictor cannot tell apart are one place: as several they would be their
    # own neighbours, and t-SNE does not end well where all are one.
    features, row = np.unique(structural_features(peephole, shown), axis=0, return_inverse=True)
    if len(features) < LEAST:
        return
    places = structure_map(features)
    keys = [record.architecture.key for record in shown]
    new = np.array([seen is not None and key not in seen for key in keys])
    words = [
        "Each point is a network, placed by what the predictor makes of its structure alone "
        "(t-SNE of the structural features) and coloured by the accuracy that it really has."
        + (f" Drawn are {MOST:,} of {len(known):,} networks." if shown is not known else "")
        + (" Diamonds are networks that it was not fitted to." if new.any() else ""),
        _neighbours(places, row, shown.targets),
        _fitted_to(new, seen is not None),
    ]
    told = len(set(row[new].tolist()))
    if told >= LEAST and not new.all():
        words.append(f"Of the new ones alone: {_neighbours(places, row[new], shown.targets[new])}")
    figure = feature_map(places[row], shown.targets, keys, ~new)
    yield Section("Its map of the networks", words, [Plots([Plot(figure, "t-SNE, by accuracy")])])


def _neighbours(places: np.ndarray, row: np.ndarray, targets: np.ndarray) -> str:
    """What the test says of networks at these rows of the places, one value a place."""
    at, number = np.unique(row, return_inverse=True)
    values = np.bincount(number, targets) / np.bincount(number)
    test = neighbour_test(places[at], values)
    return (
        f"Accuracies of the {NEIGHBOURS} nearest neighbours differ by {test.neighbours:.4f} on "
        f"average, those of random pairs by {test.pairs:.4f} (ratio "
        f"{test.neighbours / (test.pairs or 1):.2f}; p {_p(test.p_value)}, {PERMUTATIONS} "
        f"shuffles; {len(at)} networks that it tells apart)."
    )


def _fitted_to(new: np.ndarray, known: bool) -> str:
    """What the test means, by which of the networks the predictor had seen."""
    if not known:
        return "The folder does not tell which of these networks it was fitted to."
    if new.all():
        return "It was fitted to none of these networks."
    which = f"{int((~new).sum())} of these {len(new)}" if new.any() else "all these"
    return (
        f"It was fitted to {which} networks: this tells what it has learnt, not how well it does "
        "on others."
    )


def _p(value: float) -> str:
    return "at most 0.001" if value <= 1 / (1 + PERMUTATIONS) else f"= {value:.3f}"
