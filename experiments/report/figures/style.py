"""What all figures share: colours that read on both themes, axes, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.core.architecture import Architecture
from nas.core.errors import InvalidOption
from nas.core.notebook import short_layer

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "x")
COLORS = ("#3b6fd4", "#d9730d", "#2e8b57", "#a3409a", "#c23b3b", "#6b7280")
GREY = "#888888"
RAMP = ("#5b7fe0", "#8a72cf", "#b5609f", "#d05f62", "#df7a24")
"""From low to high accuracies."""
FAINT = "rgba(128,128,128,.25)"

NETWORK = "%{text}<extra></extra>"
"""Hover text of a network: the page fills in the one that the point's `customdata` names."""

_IN_A_ROW = 4
_ROWS = 8


def mark(place: int) -> dict[str, Any]:
    """The symbol and color of the series at a place."""
    return {
        "symbol": SYMBOLS[place % len(SYMBOLS)],
        "color": COLORS[place % len(COLORS)],
        "size": 8,
    }


def colorscale(colors: Sequence[str] = RAMP) -> list[list[float | str]]:
    """Evenly spaced colors as Plotly takes them."""
    return [[place / (len(colors) - 1), color] for place, color in enumerate(colors)]


def plain(text: str) -> str:
    """A name for Plotly, which would read HTML in it."""
    return escape(text, quote=False)


def describe(architecture: Architecture) -> str:
    """An architecture on hover: its key, its blocks in short, its cost."""
    lines = [architecture.key]
    for block in architecture.blocks:
        words = [plain(short_layer(layer)) for layer in block]
        lines += [" ".join(words[i : i + _IN_A_ROW]) for i in range(0, len(words), _IN_A_ROW)]
    if len(lines) > _ROWS:
        lines = [*lines[:_ROWS], "…"]
    cost = f"{architecture.params:,} parameters<br>{architecture.macs:,} MACs"
    return "<br>".join([*lines, cost])


def titled(figure: Figure, x: str, y: str, height: int = 440) -> Figure:
    """The figure in the page's style, its axes named."""
    figure.update_layout(
        template="none",
        margin={"l": 60, "r": 16, "t": 12, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY},
        height=height,
    )
    figure.update_xaxes(title=x, gridcolor=FAINT, zeroline=False)
    figure.update_yaxes(title=y, gridcolor=FAINT, zeroline=False)
    return figure


def cost_axis(figure: Figure, costs: Sequence[float]) -> None:
    """An axis of parameters or MACs: logarithmic, unless all lie within a decade."""
    least, most = min(costs), max(costs)
    if least <= 0 or most < 10 * least:
        figure.update_xaxes(tickformat="~s", nticks=8)
    else:  # 1, 2, 5, 10, or over many decades 1, 10, 100
        figure.update_xaxes(type="log", tickformat="~s", dtick="D2" if most < 300 * least else 1)


def epoch_axis(figure: Figure, epochs: int) -> None:
    """An axis of whole epochs."""
    figure.update_xaxes(tickformat="d", range=[0.5, epochs + 0.5])
    if epochs <= 10:
        figure.update_xaxes(dtick=1)


def write_picture(figure: Figure, path: Path, width: int = 900, height: int = 460) -> None:
    """Writes a figure as SVG or PNG on white, for a page that cannot hold a script.

    Raises:
        InvalidOption: kaleido is missing, or the browser that it draws with.
    """
    figure.update_layout(paper_bgcolor="white", width=width, height=height)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        figure.write_image(str(path))
    except (ValueError, RuntimeError) as error:
        raise InvalidOption(
            "a picture needs kaleido and a Chrome or Chromium, but one is missing: pip install "
            f"'peephole-nas[docs]' ({str(error).splitlines()[0]})"
        ) from error
