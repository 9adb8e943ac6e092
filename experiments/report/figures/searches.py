"""Searches over a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from experiments.report.figures.style import COLORS, plain, titled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def regret_curves(search: Mapping[str, Any]) -> Figure:
    """How far the best so far lies behind the best of the table; bands are 95% intervals."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, row in enumerate(search["rows"]):
        color = COLORS[place % len(COLORS)]
        networks = list(range(1, len(row["regret"]) + 1))
        mean, low, high = (
            [100 * value for value in row[name]] for name in ("regret", "regret_low", "regret_high")
        )
        figure.add_scatter(
            x=networks + networks[::-1],
            y=high + low[::-1],
            fill="toself",
            fillcolor=f"rgba({', '.join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))}, 0.15)",
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=networks,
            y=mean,
            mode="lines",
            name=plain(row["method"]),
            line={"color": color, "width": 2},
            hovertemplate="after %{x} networks: %{y:.3f} points behind<extra></extra>",
        )
    # The first few networks lie so far behind that nothing else would be seen beside them.
    tenth = max(row["regret_high"][min(9, len(row["regret"]) - 1)] for row in search["rows"])
    figure.update_yaxes(range=[0, 110 * tenth or 1])
    return titled(figure, "networks looked up", "points behind the best")
