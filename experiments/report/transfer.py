"""The page of a transfer: each network's size, speed and accuracy, and how it learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.core.files import write_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLORS = ("#3b6fd4", "#d9730d")
_PANELS = (
    ("params", "parameters", ".3s"),
    ("macs", "MACs for one image", ".3s"),
    ("training_speed", "images/s, training", ",.0f"),
    ("inference_speed", "images/s, inference", ",.0f"),
    ("top1", "top-1", ".2%"),
    ("top5", "top-5", ".2%"),
)


def write_page(content: Mapping[str, Any], path: Path) -> None:
    """Writes the plot as a page that opens offline.

    Args:
        content: of transfer.json.
        path: of the page.
    """
    html = comparison(content["rows"]).to_html(include_plotlyjs=True, config={"displaylogo": False})
    title = f"{content['rows'][0]['name']} on {content['data']['name']} · nas transfer"
    write_text(path, html.replace("<head>", f"<head><title>{escape(title)}</title>", 1))


def comparison(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """A panel a figure, with a bar a network; below them validation top-1 over the epochs."""
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=3,
        cols=3,
        specs=[[{}, {}, {}], [{}, {}, {}], [{"colspan": 3}, None, None]],
        subplot_titles=[*(title for _, title, _ in _PANELS), "validation top-1 after each epoch"],
        vertical_spacing=0.12,
    )
    for place, (key, _, form) in enumerate(_PANELS):
        for number, row in enumerate(rows):
            figure.add_bar(
                x=[row["name"]],
                y=[row[key]],
                marker_color=_COLORS[number % len(_COLORS)],
                texttemplate=f"%{{y:{form}}}",
                hoverinfo="skip",
                showlegend=False,
                row=1 + place // 3,
                col=1 + place % 3,
            )
    for number, row in enumerate(rows):
        accuracies = [epoch["top1"] for epoch in row["history"]]
        figure.add_scatter(
            x=list(range(1, len(accuracies) + 1)),
            y=accuracies,
            mode="lines+markers" if len(accuracies) < 3 else "lines",
            name=row["name"],
            line={"color": _COLORS[number % len(_COLORS)]},
            row=3,
            col=1,
        )
    figure.update_yaxes(showticklabels=False, ticks="", rangemode="tozero")
    figure.update_yaxes(
        showticklabels=True, ticks="outside", tickformat=".0%", rangemode="normal", row=3, col=1
    )
    figure.update_xaxes(title="epoch", row=3, col=1)
    figure.update_layout(
        template="simple_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.08},
        height=900,
    )
    return figure
