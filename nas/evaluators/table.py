"""Evaluation by looking up: a search is replayed over recorded trainings in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nas.core.architecture import Architecture, Input
from nas.core.corpus import Corpus
from nas.core.errors import InvalidArchitecture, InvalidOption
from nas.core.interfaces import Evaluator
from nas.core.records import Record


class TabularEvaluator(Evaluator):
    """Looks networks up among the finished records of a corpus, curves included.

    Args:
        corpus: the recorded trainings.
        canonical: a space's `canonical`, where the table lists equal networks once or several
            times; applied to the corpus and to whatever is asked.
    """

    def __init__(
        self, corpus: Corpus, canonical: Callable[[Architecture], Architecture] | None = None
    ) -> None:
        self.corpus = corpus
        self.canonical = canonical
        self._records: dict[str, list[Record]] = {}
        for record in corpus.finished:
            self._records.setdefault(self._key(record.architecture), []).append(record)

    @property
    def input(self) -> Input:
        """What the data set of the table feeds a network."""
        return self.corpus.header.input

    def allow(self, architecture: Architecture) -> bool:
        """True for the networks of the table; see `nas.core.limits.Allows`."""
        return self._key(architecture) in self._records

    def __repr__(self) -> str:
        return f"the {len(self._records)} networks of {self.corpus.header.source or 'a table'}"

    def evaluate(
        self,
        architecture: Architecture,
        epochs: int | None = None,
        seed: int = 0,
        on_epoch: Callable[[int, float], bool] | None = None,
    ) -> Record:
        """See `Evaluator.evaluate`.

        Of several trainings of a network it is the one with that seed, else the first. Where only
        a part of the curve is asked for, the target is the accuracy at its end, and the seconds are
        that part of all. Without a curve the whole training is one step without a report.

        Raises:
            InvalidArchitecture: the table does not have the network.
            InvalidOption: epochs are not at least 1.
        """
        if epochs is not None and epochs < 1:
            raise InvalidOption(f"epochs must be at least 1, but got {epochs}")
        record = self._find(architecture, seed)
        record = replace(record, architecture=architecture, seed=seed, index=None, split=None)
        last = min(epochs or len(record.curve), len(record.curve))
        for epoch in range(1, last + 1):
            if on_epoch and on_epoch(epoch, record.curve[epoch - 1]):
                return replace(_beginning(record, epoch), test_accuracy=None, status="pruned")
        return _beginning(record, last)

    def _find(self, architecture: Architecture, seed: int) -> Record:
        key = self._key(architecture)
        if key not in self._records:
            raise InvalidArchitecture(
                f"a network must be in the table to be looked up, but {key} is not among the "
                f"{len(self._records)} of {self.corpus.header.data}; draw it from the table's space"
            )
        found = self._records[key]
        return next((record for record in found if record.seed == seed), found[0])

    def _key(self, architecture: Architecture) -> str:
        return (self.canonical(architecture) if self.canonical else architecture).key


def _beginning(record: Record, epochs: int) -> Record:
    if epochs == len(record.curve):
        return record
    return replace(
        record,
        target=record.curve[epochs - 1],
        curve=record.curve[:epochs],
        train_loss=record.train_loss[:epochs],
        test_accuracy=None,
        repeats=(),
        seconds=record.seconds and record.seconds * epochs / len(record.curve),
    )
