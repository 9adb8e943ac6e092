"""The trained networks: their curves, and what accuracy costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.figures.style import (
    COLORS,
    GREY,
    NETWORK,
    RAMP,
    colorscale,
    cost_axis,
    epoch_axis,
    titled,
)
from nas.core.corpus import Corpus
from nas.core.records import Record
from nas.search.pareto import Cost

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_CURVES = 200
MOST_EPOCHS = 50
_COST = {"macs": "MACs for one image", "params": "parameters"}


def learning_curves(corpus: Corpus) -> Figure:
    """Accuracy after each epoch, coloured by where it ended.

    Of many networks, some evenly spaced in final accuracy are drawn, the best and the worst
    included; of long curves, some evenly spaced epochs. Curves of one colour are one trace: a
    browser draws that hundreds of times faster than a trace a curve.
    """
    import plotly.graph_objects as go
    from plotly.colors import sample_colorscale

    ranked = sorted((r for r in corpus if r.curve), key=lambda record: record.curve[-1])
    places = np.linspace(0, len(ranked) - 1, min(len(ranked), MOST_CURVES)).round().astype(int)
    groups = np.array_split(places, min(len(places), 2 * len(RAMP)))
    figure = go.Figure()
    for number, group in enumerate(groups):
        share = number / max(len(groups) - 1, 1)
        epochs, values, keys = _joined([ranked[place] for place in group])
        figure.add_scatter(
            x=epochs,
            y=values,
            customdata=keys,
            mode="markers" if corpus.epochs == 1 else "lines",
            line={"color": sample_colorscale(colorscale(), [share])[0], "width": 1.3},
            opacity=0.8,
            hovertemplate="epoch %{x}: %{y:.4f}<br>" + NETWORK,
        )
    titled(figure, "epoch", "validation accuracy")
    figure.update_layout(showlegend=False)
    epoch_axis(figure, corpus.epochs)
    return figure


def _joined(
    records: Sequence[Record],
) -> tuple[list[int | None], list[float | None], list[str | None]]:
    """Curves behind one another, with a gap between them: epochs, accuracies, keys."""
    epochs: list[int | None] = []
    values: list[float | None] = []
    keys: list[str | None] = []
    for record in records:
        last = len(record.curve)
        shown = np.unique(np.linspace(1, last, min(last, MOST_EPOCHS)).round().astype(int)).tolist()
        epochs += [*shown, None]
        values += [*(round(record.curve[epoch - 1], 5) for epoch in shown), None]
        keys += [record.architecture.key] * (len(shown) + 1)
    return epochs, values, keys


def accuracy_against_cost(corpus: Corpus, cost: Cost) -> Figure:
    """What accuracy costs: a point a network; the line joins those that no cheaper one beats."""
    import plotly.graph_objects as go

    from nas.search import pareto_front

    finished = corpus.finished.distinct
    figure = go.Figure()
    ours = corpus.header.source == "nas collect"  # elsewhere nothing tells who chose a network
    proposed = finished.filter(lambda record: ours and record.index is None)
    others = finished.filter(lambda record: not ours or record.index is not None)
    names = ("at random" if ours else "networks", "proposed")
    for place, (name, group) in enumerate(zip(names, (others, proposed), strict=True)):
        if not group:
            continue
        figure.add_scatter(
            x=[getattr(record, cost) for record in group],
            y=[record.target for record in group],
            mode="markers",
            name=name,
            marker={
                "symbol": ("circle", "star")[place],
                "color": COLORS[place],
                "size": (6 if len(group) > 500 else 7, 13)[place],
                "opacity": 0.45 if len(group) > 500 else 0.8,
            },
            customdata=[record.architecture.key for record in group],
            hovertemplate="accuracy %{y:.4f}<br>" + NETWORK,
        )
    front = pareto_front(corpus, cost)
    figure.add_scatter(
        x=[getattr(record, cost) for record in front],
        y=[record.target for record in front],
        mode="lines",
        name="Pareto front",
        hoverinfo="skip",
        line={"color": GREY, "width": 1.5, "shape": "hv"},
    )
    cost_axis(figure, [getattr(record, cost) for record in finished])
    return titled(figure, _COST[cost], "validation accuracy")
