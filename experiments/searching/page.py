"""The measured part of docs/search.md, from the searches in experiments/configs/search-*.yaml.

    python -m experiments.searching.page

runs each of them as `nas search --config FILE`, in the folder that holds the corpus files. What was
searched before is not searched again. The comment at the head of a config is the command that it is
for, the title of its section, and the words above its table.
"""

from __future__ import annotations

import sys

from experiments.cli import command
from experiments.folder import RunFolder, read_json
from experiments.measured import CONFIGS, DOCS, RUNS, heading, run
from experiments.report import figures
from experiments.terminal import wrote
from nas.core.files import write_text

NAMES = ("search-macro", "search-nas-bench-201", "search-metaqnn")
DRAWN = ("search-macro", "search-nas-bench-201")

MARK = "<!-- Below: written by `python -m experiments.searching.page`. -->"


def main() -> None:
    """Run all searches of docs/search.md and write that page; what ran before is kept."""
    run("search", (CONFIGS / f"{name}.yaml" for name in NAMES))
    for name in DRAWN:
        search = read_json(RunFolder(RUNS / name).search, "the search")
        figures.write_picture(figures.regret_curves(search), DOCS / "images" / f"{name}.svg")
    page = DOCS / "search.md"
    told = page.read_text().partition(MARK)[0]
    write_text(page, "\n".join([told + MARK, "", *map(section, NAMES)]))
    wrote([page])


def section(name: str) -> str:
    """A search's title, words, command, table and picture."""
    told = RunFolder(RUNS / name).search.with_suffix(".md").read_text()
    drawn = f"\n![Regret of the searches over networks](images/{name}.svg)\n"
    picture = drawn if name in DRAWN else ""
    return "\n".join([heading(CONFIGS / f"{name}.yaml", 3), "", told, picture])


if __name__ == "__main__":
    sys.exit(command(main))
