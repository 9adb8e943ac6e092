"""What a run folder holds, read for the page; what cannot be read is said and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from experiments.comparison.comparison import Comparison
from experiments.folder import RunFolder, read_task
from experiments.report.readers import (
    Points,
    read_predictions,
    read_proposals,
    read_search,
    read_summary,
    read_transfer,
)
from nas.core.architecture import Architecture
from nas.core.corpus import Corpus, Header
from nas.core.errors import InvalidOption, NasError
from nas.core.interfaces import Candidate, Surrogate

T = TypeVar("T")


@dataclass(frozen=True)
class Content:
    """What a run folder holds.

    Attributes:
        folder: where it lies.
        corpus: networks that were trained or are looked up.
        running: networks in training while the folder was read.
        judged: the networks of a comparison's predictions.
        fitted: the networks that the surrogate was fitted to.
        surrogate: the fitted one.
        task: that it was fitted for.
        comparison: what `nas compare` found.
        predictions: by surrogate, accuracies of networks that it had not seen.
        proposals: architectures with their predicted accuracies.
        search: what a search over a table found.
        transfer: what `nas transfer` found.
        summary: names and values for the head of the page.
        options: of each verb that wrote into the folder, as YAML.
        remarks: what was left out, and why.
    """

    folder: RunFolder
    corpus: Corpus | None = None
    running: int = 0
    judged: Corpus | None = None
    fitted: Corpus | None = None
    surrogate: Surrogate | None = None
    task: Header | None = None
    comparison: Comparison | None = None
    predictions: dict[str, Points] = field(default_factory=dict)
    proposals: Sequence[Candidate] = ()
    search: dict[str, Any] = field(default_factory=dict)
    transfer: dict[str, Any] = field(default_factory=dict)
    summary: Sequence[tuple[str, str]] = ()
    options: Sequence[tuple[str, str]] = ()
    remarks: tuple[str, ...] = ()

    @cached_property
    def finished(self) -> Corpus | None:
        """The finished networks of the corpus, each once; None where there are none."""
        found = None if self.corpus is None else self.corpus.finished.distinct
        return found or None

    @property
    def other_task(self) -> str:
        """In what the surrogate's task is another than the corpus'; empty where it is not."""
        if self.corpus is None or self.task is None:
            return ""
        ours, its = self.corpus.header.task, self.task.task
        return ", ".join(name for name in ours if ours[name] != its[name])

    @cached_property
    def known(self) -> Corpus | None:
        """Finished networks of the surrogate's task, to look at it with; None without any.

        Those of the corpus, which may be more than it was fitted to; where the corpus is of
        another task, or there is none, those that it was fitted to.
        """
        ours = None if self.corpus is None or self.other_task else self.corpus.averaged
        return ours or (None if self.fitted is None else self.fitted.averaged) or None

    @cached_property
    def architectures(self) -> dict[str, Architecture]:
        """All architectures that the page may speak of, by key."""
        corpora = (self.corpus, self.judged, self.fitted)
        records = {r.architecture.key: r.architecture for c in corpora for r in c or ()}
        return records | {each.architecture.key: each.architecture for each in self.proposals}


def read_content(folder: RunFolder, trust: Sequence[str] = ()) -> Content:
    """Reads a run folder.

    Args:
        folder: a run folder, which may be growing, or come from another machine.
        trust: packages besides our own that its surrogate may come from.

    Raises:
        InvalidOption: it holds nothing to report.
    """
    remarks: list[str] = []

    def attempt(path: Path, read: Callable[[Path], T], what: str, default: T) -> T:
        """What is read of a file; the default where there is none, or it cannot be read."""
        if not path.is_file():
            return default
        try:
            return read(path)
        except NasError as error:
            remarks.append(f"{what} left out: {error}")
            return default

    corpus, running = _grown(folder, remarks)
    if not corpus:  # no study, or one in which nothing is trained yet
        corpus = attempt(folder.corpus, Corpus.read, "the corpus is", corpus)
    learnt = attempt(
        folder.surrogate / "surrogate.json",
        lambda _: _surrogate(folder, trust),
        "what the surrogate has learnt is",
        None,
    )
    surrogate, task = learnt or (None, None)
    options = [
        attempt(path, _option, f"{path.name} is", None)
        for path in sorted(folder.path.glob("*.yaml"))
    ]
    content = Content(
        folder,
        corpus,
        running,
        attempt(folder.judged, Corpus.read, "hovering over predictions is", None),
        attempt(folder.fitted, Corpus.read, "what the surrogate was fitted to is", None),
        surrogate,
        task,
        attempt(
            folder.comparison, lambda path: Comparison.read(path.parent), "the comparison is", None
        ),
        attempt(folder.predictions, read_predictions, "the predictions are", {}),
        attempt(folder.proposals, read_proposals, "the proposals are", []),
        attempt(folder.search, read_search, "the search is", {}),
        attempt(folder.transfer, read_transfer, "the transfer is", {}),
        attempt(folder.summary, read_summary, "the summary is", []),
        [each for each in options if each],
    )
    if content.other_task:
        remarks.append(
            f"{type(surrogate).__name__} is not asked about these networks: it was fitted for "
            f"another task ({content.other_task})"
        )
    shown = (corpus, content.comparison, content.surrogate)
    told = (content.predictions, content.proposals, content.search, content.transfer)
    if all(each is None for each in shown) and not any(told):
        raise InvalidOption("; ".join([_nothing(folder), *remarks]))
    return replace(content, remarks=tuple(remarks))


def _nothing(folder: RunFolder) -> str:
    """Why there is nothing to report."""
    path, must = folder.path, "RUN must be a folder that a nas command wrote"
    if not path.exists():
        return f"{must}, but {path} does not exist"
    if path.is_file():
        return f"{must}, but {path} is a file; give its folder"
    if folder.trainings.is_dir():
        return f"{must} to its end, but the transfer in {path} goes on; see its TensorBoard logs"
    return (
        f"{must}, but {path} holds no corpus, surrogate, predictions, comparison, search, transfer "
        "or proposals"
    )


def _grown(folder: RunFolder, remarks: list[str]) -> tuple[Corpus | None, int]:
    """The networks of the folder's study, which may be growing, and how many are in training.

    A study that was copied while it grew may be broken: then the corpus file counts.
    """
    if not folder.study.is_file():
        return None, 0
    from nas.studies import corpora_of, running_in

    try:
        found = corpora_of(folder.storage)
        name = max(found, key=lambda each: len(found[each]), default=None)
        if name is None:
            return None, 0
        others = [f"{other} ({len(found[other])} networks)" for other in found if other != name]
        if others:
            remarks.append(f"shown is the study {name}; the storage also holds {', '.join(others)}")
        return found[name], running_in(folder.storage, name)
    except NasError as error:
        remarks.append(f"the study is left out: {error}")
        return None, 0


def _surrogate(folder: RunFolder, trust: Sequence[str]) -> tuple[Surrogate, Header]:
    """The surrogate and its task; without a task, a fit was killed between the two."""
    task = read_task(folder)
    return Surrogate.load(folder.surrogate, trust), task


def _option(path: Path) -> tuple[str, str]:
    try:
        return path.stem, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidOption(f"{path} must be text, but cannot be read: {error}") from error
