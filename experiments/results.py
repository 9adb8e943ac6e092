"""docs/results.md, written from the comparisons in experiments/configs/results-*.yaml.

    python -m experiments.results

runs each of them as `nas compare --config FILE`, in the folder that holds the corpus files, and
writes their tables, each under the command that makes it again. What was judged before is not
judged again. The comment at the head of a config is the command that it is for, the title of its
section, and the words above its table.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.cli import command
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
from experiments.terminal import table, wrote
from nas.core.files import write_text

PAGE = DOCS / "results.md"

NAMES = (
    "naap440",
    "metaqnn",
    "metaqnn-800",
    "metaqnn-features",
    "metaqnn-curves",
    "macro",
    "macro-400",
    "macro-features",
    "macro-intervals",
    "nas-bench-201",
    "lcnet",
    "peephole",
)
"""The comparisons in the order of their sections: configs/results-NAME.yaml."""

STRONG = (
    "Peephole(loss=pairwise, code=extended, structure=last_mean, members=5, hidden=64, mlp=64, "
    "mlp_layers=1)"
)
"""What tables call the surrogate of configs/peephole-strong.yaml."""
CHOSEN = "Ensemble("
"""The best of ours, weighted by cross-validation inside the training networks."""

Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Target:
    """A figure to reach: mean + standard error is at least that; for errors, mean - that at most.

    Attributes:
        table: of which comparison.
        surrogate: what the table calls it; up to the bracket, where it has but one of the class.
        train_size: training networks.
        metric: column of compare.json.
        bound: the figure.
        name: what it is called in the summary; as in its table, where that is short, if empty.
    """

    table: str
    surrogate: str
    train_size: int
    metric: str
    bound: float
    name: str = ""

    def line(self, rows: Sequence[Row]) -> list[str]:
        """The target's line in the summary."""
        sign = -1 if self.metric in ("mae", "mse") else 1
        (row,) = (each for each in rows if self.means(each["surrogate"], each["train_size"]))
        error = standard_error(row, self.metric)
        short = sign * (self.bound - row[self.metric])
        return [
            self.table,
            str(self.train_size),
            self.name or _short(row["surrogate"]),
            LABELS[self.metric],
            f"{'at most' if sign < 0 else 'at least'} {self.bound:g}",
            f"{row[self.metric]:.4f} ± {error:.4f}",
            str(row["repeats"]),
            _verdict(short, error),
        ]

    def means(self, surrogate: str, train_size: int) -> bool:
        """Whether it is about this row."""
        begins = self.surrogate.endswith("(") and surrogate.startswith(self.surrogate)
        return (begins or surrogate == self.surrogate) and train_size == self.train_size


def _short(name: str) -> str:
    """As in its table; of settings that fill a line, the class alone."""
    return name if len(name) <= 40 else name.partition("(")[0]


def _verdict(short: float, error: float) -> str:
    if short <= 0:
        return "reached"
    return "reached within the error" if short <= error else f"**missed** by {short:.2g}"


LABELS = {
    "kendall_tau": "tau",
    "r2": "R2",
    "mae": "MAE",
    "mse": "MSE",
    "log_likelihood": "log-likelihood",
}


def _taus(table: str, surrogate: str, **bounds: float) -> list[Target]:
    """Targets for Kendall's tau by training size: n100=0.9."""
    name = "Peephole strong" if surrogate == STRONG else ""
    return [
        Target(table, surrogate, int(size[1:]), "kendall_tau", bound, name)
        for size, bound in bounds.items()
    ]


TARGETS = [
    *_taus("naap440", STRONG, n400=0.93),
    Target("naap440", STRONG, 400, "mae", 0.0048, "Peephole strong"),
    *_taus("naap440", CHOSEN, n400=0.94),
    *_taus("naap440", "GaussianProcess", n400=0.93),
    *_taus("metaqnn", STRONG, n100=0.53),
    *_taus("metaqnn-800", STRONG, n800=0.63),
    Target("metaqnn", STRONG, 100, "r2", 0.55, "Peephole strong"),
    Target("metaqnn-800", STRONG, 800, "r2", 0.72, "Peephole strong"),
    *_taus("metaqnn-features", "RandomForest", n100=0.53, n400=0.60),
    *_taus("metaqnn-features", "GradientBoosting", n100=0.53, n400=0.60),
    *_taus("metaqnn-features", "GradientBoosting(features=grams)", n100=0.53, n400=0.60),
    Target("metaqnn-curves", "NuSVR", 100, "r2", 0.94),
    Target("lcnet", "BNN(", 248, "mse", 0.008),
    Target("lcnet", "BNN(", 248, "log_likelihood", 1.0),
    *_taus("macro", STRONG, n100=0.90),
    *_taus("macro-400", STRONG, n400=0.93),
    *_taus("macro-features", "GaussianProcess", n50=0.83, n100=0.87),
    *_taus("macro-features", "PairwiseLinear", n25=0.77, n50=0.84),
    *_taus("nas-bench-201", CHOSEN, n46=0.69, n233=0.81, n467=0.85),
    *_taus("nas-bench-201", "GaussianProcess", n46=0.69, n233=0.80),
    *_taus("nas-bench-201", "RandomForest", n233=0.81, n467=0.84),
    *_taus("nas-bench-201", "GradientBoosting", n233=0.81, n467=0.84),
]

INTRODUCTION = """# Results

Written by `python -m experiments.results`; every table can be made again with the line above it,
in a checkout whose root holds the corpus files. These are made from the published tables by

```
nas corpus import naap440 PATH_OF_NAAP-440 --out naap440.jsonl.gz
nas corpus import metaqnn PATH_OF_metaqnn_cifar10.csv --out metaqnn.jsonl.gz
nas corpus import lcnet PATH_OF_configs.json --out lcnet.jsonl.gz
nas corpus import nas-bench-macro PATH_OF_NAS-BENCH-MACRO --out nas-bench-macro.jsonl.gz
nas corpus import nas-bench-201 PATH_OF_TABLES --out nas-bench-201.jsonl.gz
```

**How it was measured.** Split r is `numpy.random.default_rng(r).permutation(n)`: the first networks
train, all others test. NAAP-440 has a split of its own, and repeats are seeds there; LC-Net is cut
into folds. NAS-Bench-Macro's networks that compute the same were merged before; NAS-Bench-201's
valid cells stand as upstream lists them, though many are twins: its section says what that lifts.
Brackets hold 95% bootstrap intervals, over splits, or over test networks where the split is fixed.
"seen" is the share of each test network's training that a surrogate was given, its cost beside the
seconds of a fit; "regret" is what the best of the ten networks predicted best falls short of the
best; "in 90%" is how many test networks lie in their 90% intervals, "log p" the mean log-likelihood
of their accuracies. The spread of Peephole's members is no interval, as these columns show:
`Calibrated` makes one. Seconds are medians, taken on one core of a busy machine; `NuSVR` fits when
it is first asked, so that its cost stands under "predict s". Another processor or version of
PyTorch moves the third digit of what is trained with it.

**Where settings were chosen.** On validation splits inside the training networks of several splits:
those of the features in [features.md](decisions/features.md), those of Peephole in
[peephole-training.md](decisions/peephole-training.md). No choice was made by a split's own test
part, but labels of networks that test in one split were used as training networks of another: with
800 of 1,000 networks, nearly all of them. Settings are one for all corpora, but where a table names
others. For `BNN` and `NuSVR` there is no such record: theirs were tried on the tables on which they
stand here ([curve-surrogates.md](decisions/curve-surrogates.md)). "The best of ours" is an
`Ensemble`, which weighs its members by cross-validation inside the training networks; it never saw
which member did best on the test networks.

## Targets

A target counts as reached if mean + standard error over the repeats is at least the figure (for
errors: mean - standard error at most); where the mean alone falls short, that is said. On NAAP-440
the error is that over seeds; what 40 test networks leave open is the interval in its table.
"""


def main() -> None:
    """Run all comparisons of docs/results.md and write that page; what ran before is kept."""
    run("compare", map(config_of, NAMES))
    write_text(PAGE, page(NAMES))
    wrote([PAGE])


def page(names: Sequence[str]) -> str:
    """The page, from what these comparisons wrote."""
    tables = {name: rows_of(folder_of(name)) for name in names}
    sections = [comparison(config_of(name), folder_of(name)) for name in names]
    return "\n".join([INTRODUCTION, summary(tables), *sections])


def config_of(name: str) -> Path:
    """The config of a comparison."""
    return CONFIGS / f"results-{name}.yaml"


def folder_of(name: str) -> RunFolder:
    """Where a comparison writes."""
    return RunFolder(RUNS / name)


def summary(tables: Tables) -> str:
    """All targets with what was measured, and how the ensembles compare with their members."""
    header = ["table", "train", "surrogate", "figure", "target", "mean ± error", "repeats", ""]
    lines = [each.line(tables[each.table]) for each in TARGETS if each.table in tables]
    return f"{table(header, lines)}\n\n{ensembles(tables)}\n{intervals(tables)}"


def ensembles(tables: Tables) -> str:
    """How far each ensemble's tau lies above the best of its members."""
    said = []
    for name, rows in tables.items():
        for mine in (row for row in rows if row["surrogate"].startswith(CHOSEN)):
            members = [
                row["kendall_tau"]
                for row in rows
                if row["train_size"] == mine["train_size"]
                and _among(row["surrogate"], mine["surrogate"])
            ]
            gap = mine["kendall_tau"] - max(members)
            verdict = ", **missed**" if gap < -0.01 else ""
            said.append(f"{gap:+.3f} ({name}, {mine['train_size']}{verdict})")
    return (
        "An ensemble must never lie more than 0.01 below the best of its members. Its tau less "
        f"theirs: {', '.join(said)}.\n"
    )


def _among(member: str, ensemble: str) -> bool:
    """Whether an ensemble's name lists that member, with these very settings."""
    return re.search(rf"[\[ ]{re.escape(member)}[,\]]", ensemble) is not None


def intervals(tables: Tables) -> str:
    """What share of the test networks the calibrated intervals cover."""
    said = [
        f"{row['coverage']:.1%} ± {standard_error(row, 'coverage'):.1%} "
        f"({name}, {row['train_size']})"
        for name, rows in tables.items()
        for row in rows
        if row["surrogate"].startswith("Calibrated(surrogate=Peephole")
    ]
    return (
        "The 90% intervals of `Calibrated(Peephole)` must cover 85% to 95%. They cover: "
        f"{', '.join(said)}.\n"
    )


if __name__ == "__main__":
    sys.exit(command(main))
