"""Networks trained by this project: a corpus, its card and a fitted Peephole for each task."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Holds, for each name, NAME.yaml (how it is collected), NAME.jsonl.gz, NAME.md and the folder NAME
with a fitted surrogate."""

NAMES = ("digits-block", "mnist-14px-block", "cifar10-16px-block")
