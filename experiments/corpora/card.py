"""The card of a corpus: how it was made, and what is in it."""

from __future__ import annotations

import json
import shlex

import numpy as np

from experiments.cli import VERBS, parser_of
from experiments.corpora import FOLDER
from experiments.corpus import counted, noise_line
from experiments.terminal import table
from nas.core import metrics
from nas.core.corpus import Corpus
from nas.core.records import STATUSES


def card(name: str, corpus: Corpus) -> str:
    """The page NAME.md beside the corpus file."""
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    told = [line[2:] for line in lines if line.startswith("# ")]
    commands = [line for line in told if line.startswith("python ")]
    networks = len(corpus.distinct)
    retrained = len(corpus) - networks
    commands.append(
        f"python -m experiments.corpora --name {name} --networks {networks} --retrain {retrained}"
    )
    words = " ".join(line for line in told if line not in commands)
    statuses = [(status, sum(r.status == status for r in corpus)) for status in STATUSES]
    noise = metrics.noise(corpus)
    hours = sum(record.seconds or 0.0 for record in corpus) / 3600
    facts = [
        ("networks", counted(corpus)),
        ("status", ", ".join(f"{count} {status}" for status, count in statuses if count)),
        ("space", corpus.header.space),
        ("recipe", ", ".join(f"{key} {value}" for key, value in corpus.header.recipe.items())),
        ("noise", noise_line(noise) if noise else "not measured"),
        ("training", f"{hours:.1f} core hours"),
        ("licence", "Apache-2.0, as the project"),
    ]
    return "\n\n".join(
        [
            f"# {name}",
            words,
            "Made by:",
            "```\n" + "\n".join(commands) + "\n```",
            "To be gone on from with:",
            f"```\n{more(name, networks)}\n```",
            "\n".join(f"* **{what}**: {value}" for what, value in facts),
            statistics(corpus),
            "A Peephole in its strongest form was fitted to all of it: "
            f"`nas propose --surrogate {name}`. Its std is what its members differ by, which is "
            "too little: [how good it is](../../docs/corpora.md).\n",
        ]
    )


def more(name: str, networks: int) -> str:
    """The command that goes on from the corpus, in a run folder of one's own."""
    parser = parser_of("collect", VERBS["collect"])
    config = parser.parse_path(str(FOLDER / f"{name}.yaml"), defaults=False)
    words = ["nas", "collect", "--corpus", name]
    for option, value in config.items():
        words += [f"--{option}", value if isinstance(value, str) else json.dumps(value)]
    return shlex.join([*words, "--networks", str(networks + 100), "--out", f"runs/{name}"])


def statistics(corpus: Corpus) -> str:
    """Accuracies and costs of the different networks that were trained to the end."""
    found = corpus.finished.distinct
    tested = [record.test_accuracy for record in found if record.test_accuracy is not None]
    columns = {
        "validation accuracy": found.targets,
        **({"test accuracy": np.array(tested)} if tested else {}),
        "parameters": np.array([record.params for record in found], float),
        "MACs": np.array([record.macs for record in found], float),
    }
    header = ["", "mean", "std", "min", "10%", "median", "90%", "max"]
    return table(header, [_row(name, values) for name, values in columns.items()])


def _row(name: str, values: np.ndarray) -> list[str]:
    form = "{:.4f}" if "accuracy" in name else "{:,.0f}"
    stats = (values.mean(), values.std(), *np.percentile(values, [0, 10, 50, 90, 100]))
    return [name, *(form.format(value) for value in stats)]
