"""What a run folder holds, read for the page; what cannot be read is said and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from experiments.comparison.comparison import Comparison
from experiments.folder import RunFolder, read_json
from nas.core.architecture import Architecture
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, NasError
from nas.core.interfaces import Surrogate

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
        comparison: what `nas compare` found.
        predictions: by surrogate, accuracies of networks that it had not seen.
        proposals: architectures with their predicted accuracies.
        search: what a search over a table found.
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
    comparison: Comparison | None = None
    predictions: dict[str, Any] = field(default_factory=dict)
    proposals: list[Any] = field(default_factory=list)
    search: dict[str, Any] = field(default_factory=dict)
    summary: list[Any] = field(default_factory=list)
    options: Sequence[tuple[str, str]] = ()
    remarks: tuple[str, ...] = ()

    @property
    def finished(self) -> Corpus | None:
        """The finished networks of the corpus, each once; None where there are none."""
        found = None if self.corpus is None else self.corpus.finished.distinct
        return found or None

    @cached_property
    def known(self) -> Corpus | None:
        """Finished networks to look at the surrogate with: the corpus', else what it was fitted to.

        Networks that it was fitted to and that are no part of the corpus are left out: they may be
        of another task.
        """
        return self.finished or self.fitted

    @cached_property
    def architectures(self) -> dict[str, Architecture]:
        """All architectures that the page may speak of, by key."""
        corpora = (self.corpus, self.judged, self.fitted)
        records = {r.architecture.key: r.architecture for c in corpora for r in c or ()}
        proposed = (Architecture.from_json(each["architecture"]) for each in self.proposals)
        return records | {each.key: each for each in proposed}


def read_content(folder: RunFolder, trust: Sequence[str] = ()) -> Content:
    """Reads a run folder.

    Args:
        folder: a run folder, which may be growing, or come from another machine.
        trust: packages besides our own that its surrogate may come from.

    Raises:
        InvalidOption: it holds nothing to report, or something that no command wrote.
    """
    remarks: list[str] = []

    def attempt(read: Callable[[], T], what: str) -> T | None:
        try:
            return read()
        except NasError as error:
            remarks.append(f"{what} is left out: {error}")
            return None

    corpus, running = _grown(folder, remarks)
    if corpus is None and folder.corpus.is_file():
        corpus = Corpus.read(folder.corpus)
    content = Content(
        folder,
        corpus,
        running,
        attempt(lambda: _corpus(folder.judged), "hovering over predictions"),
        attempt(lambda: _corpus(folder.fitted), "what the surrogate was fitted to"),
        attempt(lambda: _surrogate(folder, trust), "what the surrogate has learnt"),
        Comparison.read(folder.path) if folder.comparison.is_file() else None,
        _json(folder.predictions, {}),
        _json(folder.proposals, []),
        _json(folder.search, {}),
        _json(folder.summary, []),
        [(path.stem, path.read_text()) for path in sorted(folder.path.glob("*.yaml"))],
        tuple(remarks),
    )
    shown = (corpus, content.comparison, content.surrogate)
    told = (content.predictions, content.proposals, content.search)
    if all(each is None for each in shown) and not any(told):
        raise InvalidOption(
            f"RUN must be a folder that a nas command wrote, but {folder.path} holds no corpus, "
            + "; ".join(["surrogate, predictions, comparison, search or proposals", *remarks])
        )
    return content


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


def _corpus(path: Path) -> Corpus | None:
    return Corpus.read(path) if path.is_file() else None


def _surrogate(folder: RunFolder, trust: Sequence[str]) -> Surrogate | None:
    saved = (folder.surrogate / "surrogate.json").is_file()
    return Surrogate.load(folder.surrogate, trust) if saved else None


def _json(path: Path, default: T) -> T:
    """The content of a JSON file, or the default where there is none.

    Raises:
        InvalidOption: it is of another kind than the default.
    """
    if not path.is_file():
        return default
    content = read_json(path, path.name)
    if not isinstance(content, type(default)):
        raise InvalidOption(
            f"{path} must be what a nas command wrote, but it holds a {type(content).__name__}"
        )
    return content
