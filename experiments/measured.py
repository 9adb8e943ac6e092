"""Pages of measured figures: their sections are made from configs, under the command of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from experiments.cli import main as nas
from experiments.folder import RunFolder, read_json

CONFIGS = Path(__file__).parent / "configs"
DOCS = Path(__file__).parents[1] / "docs"
RUNS = Path("runs/results")

Row = Mapping[str, Any]
"""A surrogate's figures in compare.json."""


def run(verb: str, configs: Iterable[Path]) -> None:
    """Runs `nas VERB --config` with each of them.

    Raises:
        SystemExit: one fails, with its status.
    """
    for config in configs:
        status = nas([verb, "--config", str(config)])
        if status:
            raise SystemExit(status)


def heading(config: Path, level: int = 2) -> str:
    """What stands at the head of a config: title, words and command.

    Its first comment is the command, the second the title, the others the words.
    """
    lines = config.read_text().splitlines()
    command, title, *words = [line[2:] for line in lines if line.startswith("# ")]
    return "\n".join(["#" * level + f" {title}", "", *words, "", "```", command, "```"])


def comparison(config: Path, folder: RunFolder) -> str:
    """The section of a comparison: its heading, its repeats and its table."""
    told = folder.comparison.with_suffix(".md").read_text()
    return f"{heading(config)}\n\nRepeats: {rows_of(folder)[0]['repeats']}.\n\n{told}"


def rows_of(folder: RunFolder) -> list[Row]:
    """The rows that a comparison wrote."""
    rows: list[Row] = read_json(folder.comparison, "the comparison")["rows"]
    return rows


def standard_error(row: Row, metric: str) -> float:
    """Of the mean over repeats; 0 where there was one."""
    return float(row[f"{metric}_std"] or 0.0) / math.sqrt(row["repeats"])
