"""Predictions beside what came out, and what they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.report.figures.style import COLORS, GREY, NETWORK, mark, plain, titled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Point = Mapping[str, Any]
MOST_POINTS = 1000
"""Points in a figure; of more, so many are drawn."""
_REAL = "real %{y:.4f}<br>" + NETWORK


def predicted_against_real(
    points: Sequence[Point], place: int = 0, ends: tuple[float, float] | None = None
) -> Figure:
    """A point a network that the surrogate had not seen; the dashed line is a perfect answer.

    Args:
        points: as in predictions.json.
        place: of the surrogate among those of the page.
        ends: of both axes, where several figures have the same ones; predictions beyond them are
            triangles on the edge.
    """
    import plotly.graph_objects as go

    if len(points) > MOST_POINTS:
        chosen = np.random.default_rng(0).choice(len(points), MOST_POINTS, replace=False)
        points = [points[i] for i in np.sort(chosen)]
    low, high = ends or ends_of(points)
    inside = [point for point in points if not is_beyond(point, (low, high))]
    beyond = [point for point in points if is_beyond(point, (low, high))]
    figure = go.Figure()
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        hoverinfo="skip",
        line={"dash": "dash", "color": GREY, "width": 1},
    )
    figure.add_scatter(
        x=[point["predicted"] for point in inside],
        y=[point["real"] for point in inside],
        mode="markers",
        marker={**mark(place), "size": 7, "opacity": 0.75},
        customdata=[point["key"] for point in inside],
        hovertemplate="predicted %{x:.4f}<br>" + _REAL,
    )
    if beyond:
        low_side = [point["predicted"] < low for point in beyond]
        figure.add_scatter(
            x=[low if below else high for below in low_side],
            y=[point["real"] for point in beyond],
            mode="markers",
            marker={
                "symbol": [f"triangle-{'left' if below else 'right'}-open" for below in low_side],
                "color": mark(place)["color"],
                "size": 9,
            },
            customdata=[point["key"] for point in beyond],
            hovertemplate=[f"predicted {point['predicted']:.4g}<br>{_REAL}" for point in beyond],
        )
    margin = 0.04 * (high - low) or 0.01
    titled(figure, "predicted accuracy", "real accuracy", height=380)
    figure.update_layout(showlegend=False)
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(range=[low - margin, high + margin])
    return figure


def ends_of(points: Sequence[Point]) -> tuple[float, float]:
    """The least and the largest accuracy; predictions far beyond the real ones do not count."""
    real, said = ([point[side] for point in points] for side in ("real", "predicted"))
    room = 0.25 * (max(real) - min(real)) or 0.01
    low, high = min(real), max(real)
    return max(min(low, *said), low - room), min(max(high, *said), high + room)


def is_beyond(point: Point, ends: tuple[float, float]) -> bool:
    """Whether a prediction lies outside of the axes, so that it is drawn on their edge."""
    return not ends[0] <= point["predicted"] <= ends[1]


def sample_efficiency(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Kendall's tau over the number of training networks: a line a surrogate."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, name in enumerate(dict.fromkeys(row["surrogate"] for row in rows)):
        mine = sorted((r for r in rows if r["surrogate"] == name), key=lambda r: r["train_size"])
        taus = [row["kendall_tau"] for row in mine]
        figure.add_scatter(
            x=[row["train_size"] for row in mine],
            y=taus,
            error_y={
                "symmetric": False,
                "array": _beyond(mine, "high", taus),
                "arrayminus": _beyond(mine, "low", taus),
                "thickness": 1,
            },
            mode="lines+markers",
            name=plain(name),
            marker=mark(place),
            line={"color": COLORS[place % len(COLORS)]},
            hovertemplate="%{x} networks: tau %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(type="log", tickvals=sorted({row["train_size"] for row in rows}))
    return titled(figure, "training networks", "Kendall's tau")


def _beyond(
    rows: Sequence[Mapping[str, Any]], end: str, taus: Sequence[float]
) -> list[float | None]:
    """How far each interval reaches to one side; None where nothing is known of it."""
    ends = [row.get(f"kendall_tau_{end}") for row in rows]
    return [None if e is None else abs(e - tau) for e, tau in zip(ends, taus, strict=True)]
