"""The figures of a run folder's page as SVG files, for pages that cannot hold a script.

    python -m experiments.report.pictures runs/demo --out docs/images/demo

Each figure is named after its section: predicted-against-real.svg, learning-curves.svg, …; a
section's further ones are numbered. They need the extra `docs` and a Chrome or Chromium.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from experiments.cli import command
from experiments.folder import RunFolder
from experiments.report.content import read_content
from experiments.report.figures import plain, write_picture
from experiments.report.page import page_of, plots_of
from experiments.report.parts import Plot, Section
from experiments.terminal import wrote

_ROOM = 90  # pixels that a picture is higher than on the page


def pictures(run: Path, out: Path = Path("docs/images"), trust: list[str] | None = None) -> None:
    """Write the figures of a run folder's page.

    Args:
        run: run folder.
        out: folder for the pictures.
        trust: packages besides our own that its saved surrogate may come from.
    """
    page = page_of(read_content(RunFolder(run), trust or ()))
    paths = []
    for name, plot in named(page.sections):
        titled = {"text": plain(plot.caption), "font": {"size": 15}, "y": 0.97, "yanchor": "top"}
        plot.figure.update_layout(title=titled, margin={"t": 80 if plot.caption else 30})
        plot.figure.update_xaxes(automargin=True)
        path = out / f"{name}.svg"
        # Above the figure stands its caption, below a strip the whole names of layers.
        write_picture(plot.figure, path, width=760, height=plot.figure.layout.height + _ROOM)
        paths.append(path)
    wrote(paths)


def named(shown: Sequence[Section]) -> Iterator[tuple[str, Plot]]:
    """Every figure of a page with a name for its file."""
    for section in shown:
        name = re.sub(r"\W+", "-", section.title.lower()).strip("-")
        plots = [plot for part in section.parts for plot in plots_of(part)]
        for number, plot in enumerate(plots, start=1):
            yield name if number == 1 else f"{name}-{number}", plot


if __name__ == "__main__":
    sys.exit(command(pictures, positional=True))
