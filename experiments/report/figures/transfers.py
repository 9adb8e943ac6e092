"""Figures of a transfer: the networks beside one another, and how they learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.report.figures.style import COLORS, mark, plain, titled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Row = Mapping[str, Any]

_QUANTITIES = (
    ("params", "parameters", ".3~s"),
    ("macs", "MACs", ".3~s"),
    ("training_speed", "images/s, training", ",.4~g"),
    ("inference_speed", "images/s, inference", ",.4~g"),
    ("top1", "top-1", ".2%"),
)
_HEIGHT = 380


def beside(rows: Sequence[Row]) -> Figure:
    """Every quantity of each network, in units of the last one's."""
    import plotly.graph_objects as go

    figure, unit = go.Figure(), rows[-1]
    for place, row in enumerate(rows):
        figure.add_bar(
            orientation="h",
            y=[title for _, title, _ in _QUANTITIES],
            x=[row[key] / unit[key] if unit[key] else None for key, _, _ in _QUANTITIES],
            customdata=[[row[key]] for key, _, _ in _QUANTITIES],
            texttemplate=[f"%{{customdata[0]:{form}}}" for _, _, form in _QUANTITIES],
            textposition="auto",
            constraintext="none",
            textfont={"size": 11},
            hoverinfo="skip",
            name=plain(row["name"]),
            marker_color=COLORS[place % len(COLORS)],
        )
    figure = titled(figure, f"share of {plain(unit['name'])}", "", _HEIGHT)
    figure.update_layout(barmode="group", bargap=0.15)
    figure.update_xaxes(tickformat=".0%")
    return figure.update_yaxes(automargin=True, autorange="reversed")


def top1_by_epoch(rows: Sequence[Row]) -> Figure:
    """Validation top-1 after each epoch."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, row in enumerate(rows):
        accuracies = [epoch["top1"] for epoch in row["history"]]
        figure.add_scatter(
            x=list(range(1, len(accuracies) + 1)),
            y=accuracies,
            mode="lines+markers" if len(accuracies) < 30 else "lines",
            name=plain(row["name"]),
            marker=mark(place),
            line={"color": COLORS[place % len(COLORS)]},
            hovertemplate="epoch %{x}: %{y:.2%}<extra>%{fullData.name}</extra>",
        )
    figure = titled(figure, "epoch", "top-1 on validation images", _HEIGHT)
    figure.update_yaxes(tickformat=".0%")
    return figure.update_xaxes(tickformat="d", dtick=1 if len(rows[0]["history"]) < 10 else None)
