"""The page itself: reads a run folder, draws what it finds, writes one HTML file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from experiments.folder import RunFolder, read_json
from experiments.report import figures
from experiments.terminal import say, wrote
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.files import write_text

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def report(run: Path) -> None:
    """Make the page of a run folder.

    Args:
        run: folder that demo, collect, fit, compare, propose or search wrote.
    """
    path = write_report(RunFolder(run))
    say(f"{path.stat().st_size / 2**20:.1f} MB, opens from disk")
    wrote([path])


def write_report(folder: RunFolder) -> Path:
    """Writes the folder's report.html and returns its path.

    Raises:
        InvalidOption: the folder holds nothing to report.
    """
    corpus = read_corpus(folder)
    predictions = _optional(folder.predictions, {})
    comparison = _optional(folder.comparison, {})
    proposals = _optional(folder.proposals, [])
    search = _optional(folder.search, {})
    if corpus is None and not (predictions or comparison or proposals or search):
        raise InvalidOption(
            f"RUN must be a folder that a nas command wrote, but {folder.path} holds no corpus, "
            "predictions, comparison, search or proposals"
        )
    content = dict(
        title=folder.path.name,
        sections=[
            *sections(corpus, predictions, comparison.get("rows", [])),
            *search_sections(search),
        ],
        summary=_optional(folder.summary, []),
        comparison=comparison.get("rows", []),
        best=best_networks(corpus),
        proposals=proposals,
        failures=failures(corpus),
        configs=[(path.stem, path.read_text()) for path in sorted(folder.path.glob("*.yaml"))],
        facts=corpus_facts(corpus),
    )
    try:
        html = render(**content)
    except (jinja2.UndefinedError, TypeError, ValueError) as error:
        raise InvalidOption(
            f"{folder.path} must hold what nas commands wrote, but something there lacks a part: "
            f"{error}"
        ) from error
    write_text(folder.report, html)
    return folder.report


def read_corpus(folder: RunFolder) -> Corpus | None:
    """The trained networks: from the study while it grows, else from the corpus file."""
    if folder.study.is_file():
        from nas.studies import corpora_of

        found = corpora_of(folder.storage)
        if found:
            return max(found.values(), key=len)
    return Corpus.read(folder.corpus) if folder.corpus.is_file() else None


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and a figure."""

    title: str
    text: str
    figure: Figure


def sections(
    corpus: Corpus | None, predictions: dict[str, Any], rows: list[dict[str, Any]]
) -> list[Section]:
    """The figures that the folder's content allows."""
    out = []
    if len({row.get("train_size") for row in rows}) > 1:
        out.append(
            Section(
                "Sample efficiency",
                "Kendall's tau on networks that were not trained on, over the number of those that "
                "were; bars are 95% intervals.",
                figures.sample_efficiency(rows),
            )
        )
    if predictions:
        networks = {r.architecture.key: r for r in corpus or ()}
        one = (
            " This is one split, or one seed; the table below has the means over all, so its tau "
            "is another."
        )
        out.append(
            Section(
                "Predicted against real",
                "Every point is a network that the surrogate had not seen when it was fitted. "
                f"Hover to see the network.{one if rows else ''}",
                figures.predicted_against_real(predictions, networks),
            )
        )
    if corpus is not None and corpus.epochs:
        out.append(
            Section(
                "Learning curves",
                "Validation accuracy after each epoch; light lines ended higher.",
                figures.learning_curves(corpus),
            )
        )
    if corpus is not None and corpus.finished:
        out.append(
            Section(
                "Accuracy against cost",
                "Each trained network, by the multiply-accumulates of one image; the line joins "
                "those that no cheaper one beats.",
                figures.accuracy_against_macs(corpus),
            )
        )
    return out


def search_sections(search: dict[str, Any]) -> list[Section]:
    """The figure of a search over a table."""
    if not search:
        return []
    seeds = max(row["seeds"] for row in search["rows"])
    text = (
        f"How far the best network so far lies behind the best of the table ({search['best']:.2%}),"
        f" mean over {seeds} searches each; bands are 95% intervals."
    )
    return [Section("Search", text, figures.regret_curves(search))]


def render(**content: Any) -> str:
    """Fills the template; the script of Plotly goes into the page, so that it opens offline."""
    from plotly.offline import get_plotlyjs

    from nas import __version__

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    # "</" would end the script element that holds the figure.
    environment.filters["figure"] = lambda figure: figure.to_json().replace("</", "<\\/")
    template = resources.files("experiments.report").joinpath("page.html").read_text()
    return environment.from_string(template).render(
        plotly=get_plotlyjs(), version=__version__, **content
    )


def best_networks(corpus: Corpus | None, number: int = 10) -> list[dict[str, Any]]:
    """The networks with the highest accuracy, for the table of layer strips."""
    if corpus is None:
        return []
    ranked = sorted(corpus.finished.distinct, key=lambda record: -(record.target or 0.0))[:number]
    return [
        {
            "key": record.architecture.key,
            "target": record.target,
            "test": record.test_accuracy,
            "params": record.params,
            "macs": record.macs,
            "proposed": record.index is None and corpus.header.source == "nas collect",
            "blocks": [
                [(layer.op.rpartition(".")[2], figures.short_layer(layer)) for layer in block]
                for block in record.architecture.blocks
            ],
            "code": json.dumps(record.architecture.to_json()),
        }
        for record in ranked
    ]


def failures(corpus: Corpus | None) -> list[dict[str, Any]]:
    """Networks without a full training, and why."""
    return [
        {
            "key": record.architecture.key,
            "status": record.status,
            "why": record.error or "",
            "epochs": len(record.curve),
        }
        for record in corpus or ()
        if record.status != "complete"
    ]


def corpus_facts(corpus: Corpus | None) -> list[tuple[str, str]]:
    """The corpus in numbers, for the head of the page."""
    if corpus is None or not corpus.finished:
        return []
    targets, size = corpus.finished.distinct.targets, corpus.header.input
    seconds = sum(record.seconds or 0.0 for record in corpus)
    facts = [
        ("networks", f"{len(corpus.distinct)}"),
        ("data", f"{corpus.header.data}, {size.height}x{size.width}"),
        ("best accuracy", f"{targets.max():.2%}"),
        ("mean accuracy", f"{targets.mean():.2%}"),
    ]
    time = f"{seconds / 60:.1f} core minutes".replace(" ", "\N{NO-BREAK SPACE}")
    return facts + ([("training", time)] if seconds else [])


def _optional(path: Path, default: Any) -> Any:
    if not path.is_file():
        return default
    content = read_json(path, path.name)
    if not isinstance(content, type(default)):
        raise InvalidOption(
            f"{path} must be what a nas command wrote, but it holds a {type(content).__name__}"
        )
    return content
