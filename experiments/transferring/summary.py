"""What a transfer found, as text: the rows of transfer.json as a table, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

HEADER = ["network", "params", "MACs", "images/s training", "images/s inference", "top-1", "top-5"]
FIVE = 5


def cells(rows: Sequence[Row], classes: int) -> list[list[str]]:
    """A line a network; with five classes or fewer top-5 says nothing."""
    return [
        [
            row["name"],
            f"{row['params']:,}",
            f"{row['macs']:,}",
            *(_speed(row[f"{kind}_speed"]) for kind in ("training", "inference")),
            f"{row['top1']:.2%}",
            f"{row['top5']:.2%}" if classes > FIVE else "-",
        ]
        for row in rows
    ]


def verdicts(rows: Sequence[Row]) -> list[str]:
    """The first network beside each other one, in words."""
    ours, *others = rows
    return [
        f"{ours['name']} has {ours['params'] / other['params']:.1%} of the parameters and "
        f"{ours['macs'] / other['macs']:.1%} of the MACs of {other['name']}; its top-1 is "
        f"{100 * abs(ours['top1'] - other['top1']):.2f} points "
        f"{'higher' if ours['top1'] > other['top1'] else 'lower'}"
        if ours["top1"] != other["top1"]
        else f"{ours['name']} and {other['name']} have the same top-1"
        for other in others
    ]


def _speed(images: float) -> str:
    return f"{images:,.0f}" if images >= 10 else f"{images:.2f}"
