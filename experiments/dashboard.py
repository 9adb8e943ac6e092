"""`nas dashboard`: optuna-dashboard on a run's storage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.folder import RunFolder
from experiments.report import figures
from experiments.report.readers import read_predictions
from experiments.report.summary import of_corpus, space_of
from experiments.terminal import say, table
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.notebook import short_layer
from nas.core.records import Record

if TYPE_CHECKING:
    from nas.studies.dashboard import Dress

TOP = 10


def dashboard(run: str, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Open optuna-dashboard on a run's storage.

    The studies there get names, notes and plots first, so that they read well; trials show as they
    come, the notes and plots are those of the start.

    Args:
        run: run folder, or Optuna storage URL.
        host: to listen on; 0.0.0.0 lets every machine of the network look, and change and delete
            too, for there is no login.
        port: to listen on; 0 takes a free one.
    """
    from nas.studies import corpora_of
    from nas.studies.dashboard import dress, serve

    folder = RunFolder(Path(run))
    storage = folder.storage if folder.path.is_dir() else run
    if folder.path.is_dir() and not folder.study.is_file():
        raise InvalidOption(
            "RUN must be a run folder of nas demo, collect or search, or an Optuna storage URL, "
            f"but {run} holds no {folder.study.name}; where the run had a --storage, give that"
        )
    for name, corpus in corpora_of(storage).items():
        dress(storage, name, dress_of(name, corpus, folder))
    serve(storage, host, port, lambda url: say(f"the dashboard is at {url} (Ctrl-C ends it)"))


def dress_of(study: str, corpus: Corpus, folder: RunFolder) -> Dress:
    """What the dashboard shows of a study besides its trials."""
    from nas.studies.dashboard import Dress

    header, finished = corpus.header, corpus.finished
    size = header.input
    tags = {
        "data": f"{header.data}, {size.channels}x{size.height}x{size.width}",
        "space": space_of(header),
        "recipe": ", ".join(f"{name} {value}" for name, value in header.recipe.items()),
    }
    return Dress(
        note_of(study, corpus),
        {name: text for name, text in tags.items() if text},
        {record.architecture.key: trial_note(record) for record in finished},
        plots_of(finished, folder),
    )


def plots_of(finished: Corpus, folder: RunFolder) -> dict[str, Any]:
    """The report's figures that the dashboard has none of, by an id for each."""
    titled = {}
    if finished:
        titled["accuracy against MACs"] = figures.accuracy_against_cost(finished, "macs")
        titled["accuracy against parameters"] = figures.accuracy_against_cost(finished, "params")
    if folder.predictions.is_file():
        for place, (name, points) in enumerate(read_predictions(folder.predictions).items()):
            figure = figures.predicted_against_real(points, place)
            titled[f"predicted against real by {figures.plain(name)}"] = figure
    for title, figure in titled.items():
        figure.update_layout(title=title, margin={"t": 70})
        for trace in figure.data:
            trace.text = trace.customdata
    return {f"nas-{place}": figure for place, figure in enumerate(titled.values())}


def note_of(study: str, corpus: Corpus) -> str:
    """What a study is about and its best networks, as Markdown."""
    best = corpus.finished.best(TOP)
    rows = [
        [
            blocks_of(record),
            f"{record.target:.4f}",
            "-" if record.test_accuracy is None else f"{record.test_accuracy:.4f}",
            f"{record.params:,}",
            f"{record.macs:,}",
            f"`{record.architecture.key}`",
        ]
        for record in best
    ]
    header = ["best networks", "accuracy", "on test images", "parameters", "MACs", "key"]
    lines = [f"# {study}: {of_corpus(corpus)}", ""]
    if rows:
        lines += [table(header, rows), ""]
    lines += ["Each trial is one trained network; its intermediate values are its learning curve."]
    return "\n".join(lines)


def trial_note(record: Record) -> str:
    """A network, as Markdown."""
    return (
        f"`{record.architecture.key}`: {blocks_of(record)}\n\n"
        f"{record.params:,} parameters, {record.macs:,} MACs"
    )


def blocks_of(record: Record) -> str:
    """The block designs of a network in one line."""
    return " ‖ ".join(
        " → ".join(short_layer(layer) for layer in block) for block in record.architecture.blocks
    )
