"""The rows of compare.json as tables for people: in the terminal, on the page, in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.comparison.judging import LEVEL, TOP
from experiments.terminal import table

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        header: its name.
        meaning: in a few words.
        cell: of a row, as text; a dash for what is not known.
        brief: shown where there is little room, too.
        short: what is shown there, where it is not the whole cell.
    """

    header: str
    meaning: str
    cell: Callable[[Row], str]
    brief: bool = True
    short: Callable[[Row], str] | None = None


def _number(name: str, form: str) -> Callable[[Row], str]:
    return lambda row: _or_dash(row.get(name), form)


def _with_interval(name: str, form: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value, low, high = (_or_dash(row.get(name + end), form) for end in ("", "_low", "_high"))
        return value if low == "-" else f"{value} [{low}, {high}]"

    return cell


def _or_dash(value: Any, form: str) -> str:
    return "-" if value is None else form.format(value)


COLUMNS = (
    Column("surrogate", "", _number("surrogate", "{}")),
    Column(
        "seen",
        "share of each network's training watched first",
        _number("observed_share", "{:.0%}"),
    ),
    Column("train", "networks it was fitted to", _number("train_size", "{}")),
    Column("test", "networks it was judged on", _number("test_size", "{}")),
    Column("tau", "Kendall's rank correlation", _with_interval("kendall_tau", "{:.3f}")),
    Column("rho", "Spearman's", _with_interval("spearman", "{:.3f}"), brief=False),
    Column("R2", "1 - MSE / variance", _with_interval("r2", "{:.3f}")),
    Column("MSE", "mean squared error", _with_interval("mse", "{:.2g}")),
    Column(
        "MAE",
        "mean absolute error",
        _with_interval("mae", "{:.4f}"),
        short=_number("mae", "{:.4f}"),
    ),
    Column(
        "regret",
        f"what the best of its {TOP} favourites falls short of the best",
        _with_interval(f"top{TOP}_regret", "{:.4f}"),
        short=_number(f"top{TOP}_regret", "{:.4f}"),
    ),
    Column(
        f"in {LEVEL:.0%}",
        f"accuracies inside their {LEVEL:.0%} intervals",
        _number("coverage", "{:.0%}"),
    ),
    Column("log p", "mean log-likelihood", _number("log_likelihood", "{:.3g}")),
    Column("fit s", "seconds of one fit on one core", _number("fit_seconds", "{:.2f}")),
    Column(
        "predict s",
        "seconds of one prediction of all",
        _number("predict_seconds", "{:.2g}"),
        brief=False,
    ),
    Column(
        "epochs charged",
        "those watched first, in all",
        _number("epochs_charged", "{:,}"),
        brief=False,
    ),
    Column("repeats", "splits, or seeds on one split", _number("repeats", "{}"), brief=False),
)


def ordered(rows: Sequence[Row]) -> list[Row]:
    """By training size, then by Kendall's tau, best first; by MSE where ranks are not told."""

    def place(row: Row) -> tuple[int, float, float]:
        tau = row["kendall_tau"]
        return row["train_size"], 0.0 if tau is None else -tau, row.get("mse", 0.0)

    return sorted(rows, key=place)


def cells(rows: Sequence[Row], brief: bool = True) -> tuple[list[str], list[list[str]]]:
    """Headers and rows as text; 95% intervals in brackets.

    Args:
        rows: of compare.json.
        brief: leave out what a terminal has no room for.
    """
    columns = [column for column in COLUMNS if column.brief or not brief]
    shown = [(each.short if brief and each.short else each.cell) for each in columns]
    lines = [[cell(row) for cell in shown] for row in ordered(rows)]
    return [column.header for column in columns], lines


def comparison_table(rows: Sequence[Row], brief: bool = True) -> str:
    """The same as one text."""
    return table(*cells(rows, brief))
