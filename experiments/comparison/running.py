"""Runs the judgements of a comparison: in parallel, each once, kept in the run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.comparison.judging import Judged, Split, Target, judge, observed_epochs
from experiments.identity import digest, identity
from experiments.parallel import Kept, results_of
from nas.core.corpus import Corpus
from nas.core.interfaces import Surrogate

CODE = ("nas.core", "experiments.comparison.judging")
"""What a judgement depends on besides the surrogate's own code."""


@dataclass(frozen=True)
class Work:
    """What is judged: each surrogate on each split.

    Attributes:
        corpus: finished networks.
        surrogates: by name.
        splits: the same for all.
        observed: share of the curve for surrogates that read curves.
        target: what they are asked about.
    """

    corpus: Corpus
    surrogates: Mapping[str, Surrogate]
    splits: Sequence[Split]
    observed: float
    target: Target = "final"


Results = dict[str, dict[Split, Judged]]


def run(
    work: Work, cache: Path, workers: int, on_result: Callable[[str, Split, bool], None]
) -> Results:
    """Judges every surrogate on every split; what the cache holds is not run again.

    Args:
        work: what to judge.
        cache: folder with a file for each judgement that was ever made there.
        workers: processes, one thread each.
        on_result: called with (name, split, whether it came from the cache).
    """
    results: Results = {name: {} for name in work.surrogates}
    files, depends = Kept(cache), _Dependencies(work)
    missing = []
    for name in work.surrogates:
        for split in work.splits:
            known = _judged(files.read(depends.of(name, split)))
            if known is None:
                missing.append((name, split))
            else:
                results[name][split] = known
                on_result(name, split, True)
    for (name, split), judged in results_of(_judge, work, missing, workers):
        files.write(depends.of(name, split), vars(judged))
        results[name][split] = judged
        on_result(name, split, False)
    return results


class _Dependencies:
    """What a judgement depends on."""

    def __init__(self, work: Work) -> None:
        self._work = work
        content = [work.corpus.header.to_json(), *(r.to_json() for r in work.corpus)]
        self._corpus = digest(content)
        self._surrogates = {
            name: digest(identity({"surrogate": surrogate}, CODE))
            for name, surrogate in work.surrogates.items()
        }

    def of(self, name: str, split: Split) -> list[object]:
        """That of one surrogate on one split, as JSON values."""
        work = self._work
        epochs = observed_epochs(work.surrogates[name], work.corpus, work.observed)
        return [self._corpus, self._surrogates[name], split.told(), epochs, work.target]


def _judged(data: Any) -> Judged | None:
    try:
        return None if data is None else Judged.from_json(data)
    except (ValueError, TypeError):  # a broken file is made again
        return None


def _judge(work: Work, task: tuple[str, Split]) -> Judged:
    name, split = task
    return judge(work.surrogates[name], work.corpus, split, work.observed, work.target)
