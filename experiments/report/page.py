"""The page itself: reads a run folder, draws what it finds, writes one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2

from experiments.folder import RunFolder
from experiments.report import cards, figures, plots, summary, tables
from experiments.report.content import Content, read_content
from experiments.report.insight import learnt
from experiments.report.parts import Code, Part, Plot, Plots, Section
from experiments.terminal import say, warn, wrote
from nas.core.errors import InvalidOption
from nas.core.files import write_text


def report(run: Path, trust: list[str] | None = None) -> None:
    """Make the page of a run folder.

    Args:
        run: folder that demo, collect, fit, compare, propose or search wrote; it may be growing.
        trust: packages besides our own that its saved surrogate may come from.
    """
    path = write_report(RunFolder(run), trust or ())
    say(f"{path.stat().st_size / 2**20:.1f} MB, opens from disk")
    wrote([path])


def write_report(folder: RunFolder, trust: Sequence[str] = ()) -> Path:
    """Writes the folder's report.html and returns its path.

    Raises:
        InvalidOption: the folder holds nothing to report.
    """
    content = read_content(folder, trust)
    try:
        judge, remark = cards.judge_of(content)
        html = render(content, sections(content, judge), [*content.remarks, remark])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidOption(
            f"{folder.path} must hold what nas commands wrote, but something there lacks a part: "
            f"{error!r}"
        ) from error
    for each in filter(None, (*content.remarks, remark)):
        warn(each)
    write_text(folder.report, html)
    return folder.report


def sections(content: Content, judge: cards.Judge | None) -> list[Section]:
    """All that the folder's content allows, in the order of the page."""
    return list(
        chain(
            tables.comparison(content),
            tables.search(content),
            plots.predictions(content),
            plots.curves(content),
            plots.costs(content),
            cards.best_networks(content, judge),
            cards.proposals(content, judge),
            learnt(content),
            tables.failures(content),
            _options(content),
        )
    )


def _options(content: Content) -> list[Section]:
    if not content.options:
        return []
    words = ["Each in a file of its own, which --config reads; its first line tells the versions."]
    return [Section("Options", words, [Code(*each) for each in content.options])]


def render(content: Content, shown: Sequence[Section], remarks: Sequence[str]) -> str:
    """Fills the template; the script of Plotly goes into the page, so that it opens offline."""
    from plotly.offline import get_plotlyjs

    from nas import __version__

    parts = [part for section in shown for part in section.parts]
    drawn = [plot.figure for part in parts for plot in plots_of(part)]
    keys = {key for figure in drawn for trace in figure.data for key in _keys(trace.customdata)}
    known = content.architectures
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("experiments.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        title=summary.title(content),
        facts=list(summary.facts(content)),
        remarks=list(filter(None, remarks)),
        sections=shown,
        # "</" would end the script element.
        figures=[figure.to_json().replace("</", "<\\/") for figure in drawn],
        networks={key: figures.describe(known[key]) for key in sorted(keys & known.keys())},
        plotly=get_plotlyjs(),
        version=__version__,
    )


def plots_of(part: Part) -> Sequence[Plot]:
    """The figures of a part."""
    return part.plots if isinstance(part, Plots) else [part] if isinstance(part, Plot) else []


def _keys(customdata: Any) -> list[str]:
    return [] if customdata is None else [key for key in customdata if isinstance(key, str)]
