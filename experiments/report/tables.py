"""Sections made of tables, and the figures that go with them."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.comparison.columns import COLUMNS, ordered
from experiments.comparison.comparison import oracle
from experiments.report import figures
from experiments.report.content import Content
from experiments.report.parts import Plot, Section, Table
from experiments.searching.summary import search_cells, search_words
from nas.core.notebook import short_layer

MOST = 500
"""Networks in the table of networks."""


def comparison(content: Content) -> Iterator[Section]:
    """The surrogates beside one another, and over the number of training networks."""
    found = content.comparison
    if found is None or not found.rows:
        return
    rows = ordered(found.rows)
    told = "; ".join(f"{c.header}: {c.meaning}" for c in COLUMNS if c.meaning)
    words = [
        "Means over splits or seeds, with 95% intervals. A heading sorts.",
        *oracle(found.noise_ceiling),
    ]
    cells = [[column.cell(row) for column in COLUMNS] for row in rows]
    header = [column.header for column in COLUMNS]
    yield Section("Comparison", words, [Table("Comparison", header, cells, [f"{told}."])])
    ranked = [row for row in rows if row["kendall_tau"] is not None]
    if len({row["train_size"] for row in ranked}) > 1:
        yield Section(
            "Sample efficiency",
            [
                "Kendall's tau on networks that were not trained on, over the number of those that "
                "were; bars are 95% intervals."
            ],
            [Plot(figures.sample_efficiency(ranked), "tau over training networks")],
        )


def search(content: Content) -> Iterator[Section]:
    """The methods that searched a table."""
    found = content.search
    if not found:
        return
    rows, best = found["rows"], found["best"]
    header, cells = search_cells(rows)
    seeds = max(row["seeds"] for row in rows)
    text = (
        f"How far the best network so far lies behind the best of the table ({best:.2%}), mean "
        f"over {seeds} {'searches' if seeds > 1 else 'search'} each; bands are 95% intervals."
    )
    yield Section(
        "Regret", [text], [Plot(figures.regret_curves(found), "regret after each network")]
    )
    words = search_words(rows, best)
    yield Section("Methods", [], [Table("Methods", header, cells, words)])


def networks(content: Content) -> Iterator[Section]:
    """The networks that figures show on hover, for those who read or use no mouse."""
    corpus = content.finished or content.judged
    if not corpus:
        return
    best = corpus.best(MOST)
    cells = [
        [
            record.architecture.key,
            " ‖ ".join(" ".join(map(short_layer, block)) for block in record.architecture.blocks),
            f"{record.target:.4f}",
            f"{record.macs:,}",
            f"{record.params:,}",
        ]
        for record in best
    ]
    number = len(corpus.finished)
    told = "all" if number == len(best) else f"the best {len(best)}"
    words = [f"What hovering over a point shows, as a table: {told} of {number:,}."]
    header = ["network", "block", "accuracy", "MACs", "parameters"]
    yield Section("Networks", words, [Table("Networks", header, cells, folded=True)])


def failures(content: Content) -> Iterator[Section]:
    """Networks without a full training, and why."""
    rows = [
        [
            record.architecture.key,
            record.status,
            str(len(record.curve)),
            "-" if record.target is None else f"{record.target:.4f}",
            record.error or _WHY.get(record.status, "-"),
        ]
        for record in content.corpus or ()
        if record.status != "complete"
    ]
    if rows:
        header = ["network", "status", "epochs", "accuracy", "why"]
        yield Section("Not completed", [], [Table("Not completed", header, rows)])


_WHY = {
    "diverged": "its loss became infinite; its accuracy counts as measured",
    "pruned": "it could not win any more",
    "timeout": "--max_seconds were over",
}
