"""What people see of architectures and corpora: layers in short, HTML in notebooks, data frames."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nas.core.architecture import Architecture, Block, Layer
from nas.core.errors import InvalidArchitecture, InvalidOption
from nas.core.records import STATUSES, Record

if TYPE_CHECKING:
    import pandas as pd

    from nas.core.corpus import Corpus

GREY = "#7c828b"
COLORS = {
    **dict.fromkeys(("conv", "depthwise", "inverted_bottleneck", "dense"), "#3b6fd4"),
    **dict.fromkeys(("max_pool", "avg_pool", "global_pool"), "#d9730d"),
    **dict.fromkeys(("relu", "sigmoid", "tanh"), "#2e8b57"),
    "batch_norm": "#a3409a",
}
"""Of ops in layer strips; read on dark and on light paper."""

SHORT = {
    "max_pool": "max",
    "avg_pool": "avg",
    "global_pool": "pool",
    "batch_norm": "bn",
    "depthwise": "dw",
    "inverted_bottleneck": "mb",
}
_TOLD = {"expand": " e{}", "p": " {:.2g}"}  # arguments that tell layers of a table apart
_BEST = 3

COLUMNS = (
    *("key", "index", "status", "target", "test_accuracy", "params", "macs", "layers", "epochs"),
    *("seed", "seconds", "split", "error", "curve", "train_loss", "repeats", "architecture"),
)
"""Of a data frame of records; those of the hyperparameters follow, as "hyperparameters.NAME"."""


def color_of(layer: Layer) -> str:
    """The color of a layer in strips."""
    return COLORS.get(layer.op, GREY)


def short_layer(layer: Layer) -> str:
    """One layer as people write it: conv3x5 x0.5, max2x2 /2, bn, add[-2,-1]."""
    name = SHORT.get(layer.op, layer.op.rpartition(".")[2])
    if layer.kernel != (1, 1) or layer.op == "conv":
        name += f"{layer.kernel[0]}x{layer.kernel[1]}"
    if layer.stride != 1:
        name += f" /{layer.stride}"
    if layer.ratio is not None:
        name += f" x{layer.ratio:g}"
    if layer.width is not None:
        name += f" to {layer.width}"
    for argument, form in _TOLD.items():
        value = layer.argument(argument)
        name += form.format(value) if isinstance(value, int | float) else ""
    return name if layer.inputs == (-1,) else f"{name}[{','.join(map(str, layer.inputs))}]"


def architecture_html(architecture: Architecture) -> str:
    """A network in a notebook: its numbers, and a strip for each of its block designs."""
    size = architecture.input
    try:
        numbers = (
            f"{architecture.params:,} parameters · {architecture.macs:,} MACs · "
            f"{len(architecture.layers())} layers for {size.channels}x{size.height}x{size.width}"
        )
    except InvalidArchitecture as error:  # it is looked at because it does not fit
        numbers = escape(str(error))
    strips = "".join(map(strip_html, architecture.blocks))
    return f"<div><code>{architecture.key}</code> · {numbers}{strips}</div>"


def strip_html(block: Block) -> str:
    """The layers of a block, from input to output."""
    chips = "".join(
        f'<span style="border-left:3px solid {color_of(layer)};padding:0 .4em;'
        f'background:rgba(128,128,128,.14)">{escape(short_layer(layer))}</span>'
        for layer in block
    )
    style = "display:flex;flex-wrap:wrap;gap:2px;margin:3px 0;font-size:.9em"
    return f'<div style="{style}">{chips}</div>'


def corpus_html(corpus: Corpus) -> str:
    """A corpus in a notebook: what it holds, and its best networks."""
    finished, header = corpus.finished, corpus.header
    ends = [(sum(r.status == status for r in corpus), status) for status in STATUSES]
    lines = [
        f"<b>{len(corpus)} networks on {escape(header.data)}</b> "
        f"({', '.join(f'{count} {status}' for count, status in ends if count) or 'none yet'})"
    ]
    if finished:
        targets = finished.targets
        lines.append(
            f"accuracy {targets.mean():.4f} mean, {targets.std():.4f} std, {targets.min():.4f} "
            f"least, {targets.max():.4f} best"
        )
    shown = "".join(
        f"<p style='margin:.6em 0 0'>{r.target:.4f}</p>{architecture_html(r.architecture)}"
        for r in corpus.best(_BEST)
    )
    return f"<div>{'<br>'.join(lines)}{shown}</div>"


def corpus_frame(corpus: Corpus) -> pd.DataFrame:
    """See `Corpus.to_pandas`."""
    try:
        import pandas as pd
    except ImportError as error:
        raise InvalidOption(
            "a data frame needs pandas, but it is not installed: pip install "
            "'peephole-nas[notebook]'"
        ) from error
    rows = [_row(record) for record in corpus]
    names = dict.fromkeys((*COLUMNS, *(name for row in rows for name in row)))
    return pd.DataFrame(rows, columns=list(names))


def _row(record: Record) -> dict[str, Any]:
    network = record.architecture
    told = {name: getattr(record, name, None) for name in COLUMNS} | {
        "key": network.key,
        "layers": len(network.layers()),
        "epochs": len(record.curve),
        "curve": tuple(record.curve),
    }
    more = {f"hyperparameters.{name}": value for name, value in record.hyperparameters.items()}
    return {**told, **more}
