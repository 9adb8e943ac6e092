"""The page's figures, as Plotly figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nas.core import metrics
from nas.core.architecture import Block, Layer
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.records import Record

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "x")
COLORS = ("#3b6fd4", "#d9730d", "#2e8b57", "#a3409a", "#c23b3b", "#6b7280")  # read on both themes


def predicted_against_real(
    predictions: Mapping[str, Sequence[Mapping[str, Any]]], networks: Mapping[str, Record]
) -> Figure:
    """A point a network that the surrogate had not seen; the dashed line is a perfect answer."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, (name, points) in enumerate(predictions.items()):
        real = [point["real"] for point in points]
        predicted = [point["predicted"] for point in points]
        tau = metrics.kendall_tau(real, predicted)
        figure.add_scatter(
            x=predicted,
            y=real,
            mode="markers",
            name=f"{name} (tau {tau:.2f})",
            marker={
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "color": COLORS[place % len(COLORS)],
                "size": 8,
                "opacity": 0.8,
            },
            text=[describe(networks.get(point["key"]), point["key"]) for point in points],
            hovertemplate="predicted %{x:.4f}<br>real %{y:.4f}<br>%{text}<extra></extra>",
        )
    values = [point[side] for points in predictions.values() for point in points for side in SIDES]
    ends = [min(values), max(values)]
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="perfect",
        hoverinfo="skip",
        line={"dash": "dash", "color": "#888888", "width": 1},
    )
    return _titled(figure, "predicted accuracy", "real accuracy")


SIDES = ("predicted", "real")


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
            name=name,
            marker={
                "symbol": SYMBOLS[place % len(SYMBOLS)],
                "color": COLORS[place % len(COLORS)],
                "size": 8,
            },
            hovertemplate="%{x} networks: tau %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_xaxes(type="log", tickvals=sorted({row["train_size"] for row in rows}))
    return _titled(figure, "training networks", "Kendall's tau")


def _beyond(
    rows: Sequence[Mapping[str, Any]], end: str, taus: Sequence[float]
) -> list[float | None]:
    """How far each interval reaches to one side; None where nothing is known of it."""
    ends = [row[f"kendall_tau_{end}"] for row in rows]
    return [None if e is None else abs(e - tau) for e, tau in zip(ends, taus, strict=True)]


def learning_curves(corpus: Corpus) -> Figure:
    """A line a network, coloured by its final accuracy; the ten best are drawn on top."""
    import plotly.graph_objects as go
    from plotly.colors import sample_colorscale

    figure = go.Figure()
    trained = sorted((r for r in corpus if r.curve), key=lambda record: record.target or 0.0)
    ranks = np.linspace(0.0, 1.0, max(len(trained), 2))
    for rank, record in zip(ranks, trained, strict=False):
        figure.add_scatter(
            x=list(range(1, len(record.curve) + 1)),
            y=list(record.curve),
            mode="lines+markers" if len(record.curve) == 1 else "lines",
            line={"color": sample_colorscale("Viridis", [float(rank) * 0.9])[0], "width": 1.2},
            opacity=0.75,
            showlegend=False,
            text=[describe(record, record.architecture.key)] * len(record.curve),
            hovertemplate="epoch %{x}: %{y:.4f}<br>%{text}<extra></extra>",
        )
    return _titled(figure, "epoch", "validation accuracy")


def accuracy_against_macs(corpus: Corpus) -> Figure:
    """What accuracy costs: a point a network."""
    import plotly.graph_objects as go

    from nas.search import pareto_front

    finished = corpus.finished
    figure = go.Figure()
    ours = corpus.header.source == "nas collect"  # elsewhere nothing tells who chose a network
    proposed = [record for record in finished if ours and record.index is None]
    others = [record for record in finished if not ours or record.index is not None]
    names = ("at random" if ours else "networks", "proposed")
    for place, (name, group) in enumerate(zip(names, (others, proposed), strict=True)):
        if not group:
            continue
        figure.add_scatter(
            x=[record.macs for record in group],
            y=[record.target for record in group],
            mode="markers",
            name=name,
            marker={
                "symbol": ("circle", "star")[place],
                "color": COLORS[place],
                "size": (7, 13)[place],
                "opacity": 0.8,
            },
            text=[describe(record, record.architecture.key) for record in group],
            hovertemplate="%{x:,} MACs<br>accuracy %{y:.4f}<br>%{text}<extra></extra>",
        )
    front = list(pareto_front(corpus))
    figure.add_scatter(
        x=[record.macs for record in front],
        y=[record.target for record in front],
        mode="lines",
        name="Pareto front",
        hoverinfo="skip",
        line={"color": "#888888", "width": 1.5, "shape": "hv"},
    )
    figure.update_xaxes(type="log", dtick="D2", exponentformat="SI")
    return _titled(figure, "MACs for one image", "validation accuracy")


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
            name=row["method"],
            line={"color": color, "width": 2},
            hovertemplate="after %{x} networks: %{y:.3f} points behind<extra></extra>",
        )
    # The first few networks lie so far behind that nothing else would be seen beside them.
    tenth = max(row["regret_high"][min(9, len(row["regret"]) - 1)] for row in search["rows"])
    figure.update_yaxes(range=[0, 110 * tenth or 1])
    return _titled(figure, "networks looked up", "points behind the best")


def write_picture(figure: Figure, path: Path) -> None:
    """Writes a figure as SVG on white, for a page that cannot hold a script.

    Raises:
        InvalidOption: kaleido is missing, or the browser that it draws with.
    """
    figure.update_layout(paper_bgcolor="white", width=900, height=460)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        figure.write_image(str(path))
    except (ValueError, RuntimeError) as error:
        raise InvalidOption(
            "a picture needs kaleido and a Chrome or Chromium, but one is missing: pip install "
            f"'peephole-nas[docs]' ({str(error).splitlines()[0]})"
        ) from error


def describe(record: Record | None, key: str) -> str:
    """An architecture on hover: its key, its first block in short, its cost."""
    if record is None:
        return key
    blocks = record.architecture.blocks
    lines = [_short_block(block) for block in blocks]
    return f"{key}<br>{'<br>'.join(lines)}<br>{record.params:,} parameters, {record.macs:,} MACs"


def _short_block(block: Block) -> str:
    words = [short_layer(layer) for layer in block]
    rows = [" ".join(words[i : i + 6]) for i in range(0, len(words), 6)]
    return "<br>".join(rows)


def short_layer(layer: Layer) -> str:
    """One layer as people write it: conv3x5 x0.5, max2x2, bn."""
    names = {"max_pool": "max", "avg_pool": "avg", "batch_norm": "bn"}
    name = names.get(layer.op, layer.op.rpartition(".")[2])
    if layer.kernel != (1, 1) or layer.op == "conv":
        name += f"{layer.kernel[0]}x{layer.kernel[1]}"
    if layer.ratio is not None:
        name += f" x{layer.ratio:g}"
    return name + (f" to {layer.width}" if layer.width is not None else "")


def _titled(figure: Figure, x: str, y: str) -> Figure:
    figure.update_layout(
        template="none",
        margin={"l": 60, "r": 16, "t": 12, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#888888"},
        height=460,
    )
    figure.update_xaxes(title=x, gridcolor="rgba(128,128,128,.25)", zeroline=False)
    figure.update_yaxes(title=y, gridcolor="rgba(128,128,128,.25)", zeroline=False)
    return figure
