"""Makes or enlarges a corpus of the project's own, fits a Peephole to it and writes its card.

    python -m experiments.corpora --name digits-block --networks 400

trains what is missing in runs/corpora/NAME, in a folder that holds the images which the corpus is
of (its card tells how they are made), and goes on from the corpus that the project holds. The same
command goes on where it was stopped.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from experiments.cli import command
from experiments.cli import main as nas
from experiments.corpora import FOLDER, NAMES
from experiments.corpora.card import card
from experiments.folder import RunFolder
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.files import write_text

RUNS = "runs/corpora"
SURROGATE = FOLDER.parent / "configs" / "peephole-strong.yaml"


def corpus(name: str, networks: int, retrain: int = 60) -> None:
    """Trains networks, keeps the corpus, fits a Peephole and writes the card.

    Args:
        name: of the corpus: experiments/corpora/NAME.yaml tells how it is collected.
        networks: how many there are to be in all.
        retrain: how many of them are trained a second time, to know the noise.
    """
    if name not in NAMES:
        raise InvalidOption(f"--name must be one of {', '.join(NAMES)}, but got {name}")
    config, kept, run = FOLDER / f"{name}.yaml", FOLDER / f"{name}.jsonl.gz", f"{RUNS}/{name}"
    known = [f"--corpus={kept}"] if kept.exists() else []
    wanted = [f"--networks={networks}", f"--retrain={retrain}"]
    _run("collect", f"--config={config}", *wanted, *known, f"--out={run}")
    shutil.copyfile(RunFolder(Path(run)).corpus, kept)
    _run("fit", f"--config={SURROGATE}", f"--corpus={kept}", f"--out={run}")
    keep_surrogate(RunFolder(Path(run)), RunFolder(FOLDER / name))
    write_text(FOLDER / f"{name}.md", card(name, Corpus.read(kept)))


def keep_surrogate(fitted: RunFolder, kept: RunFolder) -> None:
    """Takes surrogate and task, and nothing that tells where they were made."""
    shutil.rmtree(kept.path, ignore_errors=True)
    shutil.copytree(fitted.surrogate, kept.surrogate)
    shutil.copyfile(fitted.task, kept.task)


def _run(*words: str) -> None:
    status = nas(words)
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    sys.exit(command(corpus))
