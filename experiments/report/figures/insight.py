"""What a fitted Peephole has learnt: the answers of its cells, the map of its features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.figures.style import NETWORK, colorscale, plain, titled

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# From the least to the largest; nothing in the middle, on either theme.
_SIGNS = ("#3b6fd4", "rgba(128,128,128,.10)", "#d9730d")

_MOST = 2.0


def heat_strip(answers: np.ndarray, layers: Sequence[str], cells: Sequence[str]) -> Figure:
    """What cells say along the layers of a block.

    Args:
        answers: (cells, layers) in standard deviations; on the scale of colours, those beyond two
            are as two.
        layers: their names, from input to output.
        cells: their names.
    """
    import plotly.graph_objects as go

    layers, cells = [plain(each) for each in layers], [plain(each) for each in cells]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(answers, 3).tolist(),
            x=list(range(len(layers))),
            y=cells,
            zmin=-_MOST,
            zmax=_MOST,
            colorscale=colorscale(_SIGNS),
            xgap=2,
            ygap=2,
            colorbar={"thickness": 10, "tickvals": [-_MOST, 0, _MOST], "outlinewidth": 0},
            customdata=[layers] * len(cells),
            hovertemplate="%{customdata}: %{z:.2f}<extra>%{y}</extra>",
        )
    )
    titled(figure, "", "", height=130 + 24 * len(cells))
    figure.update_layout(margin={"l": 10, "r": 10, "t": 8, "b": 10})
    figure.update_xaxes(
        tickvals=list(range(len(layers))),
        ticktext=layers,
        tickangle=-60,
        automargin=True,
        showgrid=False,
    )
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    return figure


def feature_map(
    places: np.ndarray, accuracies: np.ndarray, keys: Sequence[str], seen: np.ndarray
) -> Figure:
    """A map of structural features, coloured by accuracy.

    Args:
        places: (n, 2).
        accuracies: (n,) real ones.
        keys: of the networks.
        seen: (n,) whether the surrogate was fitted to each; the others are diamonds.
    """
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=np.round(places[:, 0], 3).tolist(),
            y=np.round(places[:, 1], 3).tolist(),
            mode="markers",
            marker={
                "color": accuracies.tolist(),
                "colorscale": colorscale(),
                "symbol": np.where(seen, "circle", "diamond").tolist(),
                "size": np.where(seen, 7, 10).tolist(),
                "opacity": 0.85,
                "line": {"width": 0},
                "colorbar": {"thickness": 10, "outlinewidth": 0, "title": {"text": "real"}},
            },
            customdata=list(keys),
            hovertemplate="real %{marker.color:.4f}<br>" + NETWORK,
        )
    )
    titled(figure, "", "")
    figure.update_layout(margin={"l": 10, "r": 10, "t": 10, "b": 10})
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(showticklabels=False, showgrid=False)
    return figure
