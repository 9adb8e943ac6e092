"""docs/corpora.md: the paper's tables 2 to 4 on the corpora that the project holds.

    python -m experiments.corpora.page

runs the comparisons in experiments/configs/corpus-*.yaml as `nas compare --config FILE`; what was
judged before is not judged again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.cli import command
from experiments.corpora import FOLDER, HELD
from experiments.folder import RunFolder
from experiments.measured import (
    CONFIGS,
    DOCS,
    RUNS,
    Row,
    comparison,
    rows_of,
    run,
    standard_error,
)
from experiments.results import STRONG
from experiments.terminal import table, wrote
from nas.core import metrics
from nas.core.corpus import Corpus
from nas.core.files import write_text

PAGE = DOCS / "corpora.md"
TAU, R2, SHARE = 0.77, 0.86, 0.95
"""What the paper's Peephole reaches on CIFAR-10 (table 3), and how much of an oracle's tau is
enough where the noise of the trainings forbids that."""

INTRODUCTION = """# Corpora of our own

Networks of the paper's block space, trained by `nas collect`; each has a card with the lines that
make it. They come with the install: `nas compare --corpus digits-block` finds them by their names,
and `nas propose --surrogate digits-block` asks the Peephole that was fitted to one. A card
also has the line that goes on from its corpus, with more networks in a folder of your own.

This page is written by `python -m experiments.corpora.page`.

## What is in them

As the paper's table 2, and what two trainings of one network differ by. "Ceiling" is the tau of an
oracle that knows each network's mean accuracy.
"""

VERDICTS = f"""
## Peephole and the paper's baselines

As the paper's tables 3 and 4: half of the networks train a surrogate, the others test it, ten
splits. `BNN`, `NuSVR` and `LastValue` see the first quarter of each test network's curve, all
others see its architecture alone. The goal is what the paper reports for Peephole on CIFAR-10 with
844 networks, a tau of {TAU} and an R2 of {R2}, or {SHARE:.0%} of the ceiling; each counts as
reached if mean + standard error is at least that. Settings are those of the published tables
([results.md](results.md)); none was chosen on these corpora.
"""


def main() -> None:
    """Run all comparisons of docs/corpora.md and write that page; what ran before is kept."""
    run("compare", map(config_of, HELD))
    write_text(PAGE, page(HELD))
    wrote([PAGE])


def config_of(name: str) -> Path:
    """The config of the comparison on a corpus."""
    return CONFIGS / f"corpus-{name}.yaml"


def folder_of(name: str) -> RunFolder:
    """Where the comparison writes."""
    return RunFolder(RUNS / f"corpus-{name}")


def page(names: Sequence[str]) -> str:
    """The page, from the corpora and from what their comparisons wrote."""
    corpora = {name: Corpus.read(FOLDER / f"{name}.jsonl.gz") for name in names}
    sections = [comparison(config_of(name), folder_of(name)) for name in names]
    return "\n".join(
        [INTRODUCTION, statistics(corpora), VERDICTS, verdicts(corpora), "", *sections]
    )


def statistics(corpora: Mapping[str, Corpus]) -> str:
    """A line for each corpus: how many networks, their accuracies, and the noise of a training."""
    header = ["corpus", "networks", "mean", "std", "min", "max", "trained twice", "tau", "ceiling"]
    return table(header, [_statistics(name, corpus) for name, corpus in corpora.items()])


def _statistics(name: str, corpus: Corpus) -> list[str]:
    found = corpus.finished.distinct.targets
    stats = [f"{value:.2f}" for value in (found.mean(), found.std(), found.min(), found.max())]
    noise = metrics.noise(corpus)
    again = (
        [str(noise.networks), f"{noise.tau:.3f}", f"{noise.ceiling:.3f}"] if noise else ["-"] * 3
    )
    return [f"[{name}](../experiments/corpora/{name}.md)", str(len(found)), *stats, *again]


def verdicts(corpora: Mapping[str, Corpus]) -> str:
    """Whether Peephole reaches the goal, and how far it is ahead of the paper's baselines."""
    header = ["corpus", "Peephole", "tau", "R2", "goal", "tau above BNN's", "above NuSVR's"]
    lines = []
    for name, corpus in corpora.items():
        rows = rows_of(folder_of(name))
        ceiling = metrics.noise_ceiling(corpus)
        baselines = {row["surrogate"]: row["kendall_tau"] for row in rows}
        for row in rows:
            if row["surrogate"].partition("(")[0] == "Peephole":
                ahead = [row["kendall_tau"] - baselines[each] for each in ("BNN", "NuSVR")]
                lines.append([name, *_verdict(row, ceiling), *(f"{each:+.3f}" for each in ahead)])
    return table(header, lines)


def _verdict(row: Row, ceiling: float | None) -> list[str]:
    tau, r2 = row["kendall_tau"], row["r2"]
    tau_error, r2_error = standard_error(row, "kendall_tau"), standard_error(row, "r2")
    reached = tau + tau_error >= TAU and r2 + r2_error >= R2
    wanted = f"{TAU} and {R2}"
    if ceiling is not None:
        reached = reached or tau + tau_error >= SHARE * ceiling
        wanted += f", or {SHARE * ceiling:.2f}"
    return [
        "strong" if row["surrogate"] == STRONG else "the paper's",
        f"{tau:.3f} ± {tau_error:.3f}",
        f"{r2:.3f} ± {r2_error:.3f}",
        "reached" if reached else f"**missed** ({wanted})",
    ]


if __name__ == "__main__":
    sys.exit(command(main))
