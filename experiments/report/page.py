"""The page itself: reads a run folder, draws what it finds, writes one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2

from experiments.folder import RunFolder
from experiments.report import cards, figures, plots, summary, tables, transfers
from experiments.report.content import Content, read_content
from experiments.report.insight import learnt
from experiments.report.parts import Code, Part, Plot, Plots, Section
from experiments.terminal import say, warn, wrote
from nas.core.files import write_text


def report(run: Path, trust: list[str] | None = None) -> None:
    """Make the page of a run folder.

    Args:
        run: folder that demo, collect, fit, compare, propose, search or transfer wrote; it may be
            growing.
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
    page = page_of(content)
    for remark in page.remarks:
        warn(remark)
    write_text(folder.report, render(content, page))
    return folder.report


@dataclass(frozen=True)
class Page:
    """What is shown of a run folder.

    Attributes:
        sections: in their order.
        remarks: what is left out, and why.
    """

    sections: Sequence[Section]
    remarks: Sequence[str]


def page_of(content: Content) -> Page:
    """All that the folder's content allows."""
    judge, unasked = cards.judge_of(content)
    insight, unread = _insight(content)
    sections = chain(
        tables.comparison(content),
        tables.search(content),
        transfers.transfer(content),
        plots.predictions(content),
        plots.curves(content),
        plots.costs(content),
        cards.best_networks(content, judge),
        cards.proposals(content, judge),
        insight,
        tables.networks(content),
        tables.failures(content),
        _options(content),
    )
    remarks = (*content.remarks, unasked, unread)
    return Page(list(sections), list(dict.fromkeys(filter(None, remarks))))


def _insight(content: Content) -> tuple[list[Section], str]:
    """Sections on what the surrogate has learnt, or a remark why there are none."""
    try:
        return list(learnt(content)), ""
    except Exception as error:  # of a surrogate that does not fit the folder, whatever it raises
        return [], f"what the surrogate has learnt is left out: {error!r}"


def _options(content: Content) -> list[Section]:
    if not content.options:
        return []
    words = ["Each in a file of its own, which --config reads; its first line tells the versions."]
    return [Section("Options", words, [Code(*each) for each in content.options])]


def render(content: Content, page: Page) -> str:
    """Fills the template; the script of Plotly goes into the page, so that it opens offline."""
    from plotly.offline import get_plotlyjs

    from nas import __version__

    parts = [part for section in page.sections for part in section.parts]
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
        remarks=page.remarks,
        sections=page.sections,
        figures=[figure.to_json() for figure in drawn],  # which escapes "<"
        networks={key: figures.describe(known[key]) for key in sorted(keys & known.keys())},
        plotly=get_plotlyjs(),
        version=__version__,
    )


def plots_of(part: Part) -> Sequence[Plot]:
    """The figures of a part."""
    return part.plots if isinstance(part, Plots) else [part] if isinstance(part, Plot) else []


def _keys(customdata: Any) -> list[str]:
    return [] if customdata is None else [key for key in customdata if isinstance(key, str)]
