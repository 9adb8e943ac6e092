"""What a fitted Peephole has learnt, as the paper shows it: its cells, and its map of networks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from experiments.report.content import Content
from experiments.report.figures import feature_map, heat_strip
from experiments.report.parts import Plot, Plots, Section, Table
from experiments.report.structure import NEIGHBOURS, PERMUTATIONS, neighbour_test, structure_map
from nas.core.architecture import Architecture
from nas.core.corpus import Corpus
from nas.core.notebook import short_layer
from surrogates import Peephole

LEAST = 12
"""Networks below which there is no map."""
MOST = 1000
"""Networks on a map; of more, so many are drawn."""
_LAYERS = 24


def learnt(content: Content) -> Iterator[Section]:
    """Sections on the folder's surrogate, if it is a Peephole."""
    peephole, known = content.surrogate, content.known
    if not isinstance(peephole, Peephole) or known is None:
        return
    yield from _cells(peephole, known)
    seen = {record.architecture.key for record in content.fitted or ()}
    yield from _map(peephole, known, seen)


def _cells(peephole: Peephole, known: Corpus) -> Iterator[Section]:
    """The cells that tell one type of layer from the others, along blocks."""
    from surrogates.peephole.insight import named_cells, read_layers, responses

    cells = named_cells(peephole, known)
    if not cells:
        return
    numbers = [each.cell for each in cells]
    names = [f"{each.op} · cell {each.cell}" for each in cells]
    examples = _examples(known)
    states = [responses(peephole, each)[_block(peephole, each), numbers].T for _, each in examples]
    most = max(float(np.abs(each).max()) for each in states)
    plots = []
    for (caption, network), each in zip(examples, states, strict=True):
        read = read_layers(peephole, network)[_block(peephole, network)]
        layers = [short_layer(placed.layer) for placed in read]
        figure = heat_strip(each, layers, names, most)
        plots.append(Plot(figure, caption, width=200 + 24 * len(layers)))
    rows = [[each.op, str(each.cell), f"{each.correlation:+.2f}"] for each in cells]
    member = " of its first member" if peephole.members > 1 else ""
    words = [
        f"The LSTM{member} reads a network layer by layer. For each type of layer, this is the "
        f"cell among its {peephole.hidden} whose state goes most with “this layer is of that "
        "type”: chosen on one half of the networks, the correlation measured on the other.",
        "Each strip shows these cells along the layers of a block; a state lies between -1 and 1.",
    ]
    table = Table("Cells by type of layer", ["type", "cell", "correlation"], rows)
    yield Section("What the cells answer to", words, [*plots, table])


def _examples(known: Corpus) -> list[tuple[str, Architecture]]:
    """The best network, and the worst."""
    ranked = sorted(known.finished, key=lambda record: -(record.target or 0.0))
    ends = (("best", ranked[0]), ("worst", ranked[-1]))
    return [
        (f"The {name} network, {record.architecture.key}: {record.target:.4f}", record.architecture)
        for name, record in ends[: len(ranked)]
    ]


def _block(peephole: Peephole, network: Architecture) -> slice:
    """Where the first block stands among the layers that are read."""
    staged = peephole.sequence == "network" and network.skeleton.widths
    start = len(network.skeleton.stem) if staged else 0
    return slice(start, start + min(len(network.blocks[0]), _LAYERS))


def _map(peephole: Peephole, known: Corpus, seen: set[str]) -> Iterator[Section]:
    """The structural features by t-SNE."""
    from surrogates.peephole.insight import structural_features

    if len(known) > MOST:
        drawn = np.random.default_rng(0).choice(len(known), MOST, replace=False)
        known = known.take(np.sort(drawn))
    features = structural_features(peephole, known)
    if len(known) < LEAST or not np.ptp(features):
        return
    places = structure_map(features)
    test = neighbour_test(places, known.targets)
    keys = [record.architecture.key for record in known]
    new = np.array([bool(seen) and key not in seen for key in keys])
    words = [
        "Each point is a network, placed by what the predictor makes of its structure alone "
        "(t-SNE of the structural features) and coloured by the accuracy that it really has. "
        + ("Diamonds are networks that it was not fitted to." if new.any() else ""),
        f"Accuracies of the {NEIGHBOURS} nearest neighbours differ by {test.neighbours:.4f} on "
        f"average, those of random pairs by {test.pairs:.4f} (ratio "
        f"{test.neighbours / (test.pairs or 1):.2f}; p {_p(test.p_value)}, {PERMUTATIONS} "
        f"shuffles). {_fitted_to(len(keys), new)}",
    ]
    figure = feature_map(places, known.targets, keys, ~new)
    yield Section("Its map of the networks", words, [Plots([Plot(figure)])])


def _fitted_to(number: int, new: np.ndarray) -> str:
    which = f"{number - new.sum()} of these {number}" if new.any() else "these"
    return (
        f"It was fitted to {which} networks: this tells what it has learnt, not how well it does "
        "on others."
    )


def _p(value: float) -> str:
    return "at most 0.001" if value <= 1 / (1 + PERMUTATIONS) else f"= {value:.3f}"
