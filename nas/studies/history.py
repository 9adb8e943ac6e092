"""What a study's trials say about architectures: measured, held, and free to be proposed."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from nas.core.architecture import Architecture
from nas.core.choices import Draw, Replay
from nas.core.corpus import Corpus, Header
from nas.core.errors import InvalidArchitecture, InvalidCorpus, InvalidStudy
from nas.core.interfaces import Candidate, SearchSpace
from nas.core.records import LearningCurve, Record

if TYPE_CHECKING:
    import optuna

PLAN = "nas:architecture"
"""System attribute: what a sampler decided on for a trial, {"key": ..., "decisions": ...}."""
FAILED = "nas:failed"
"""System attribute of a trial whose objective raised."""


class OfOneStudy(ABC):
    """Remembers what it read of one study; forgets it when another one comes.

    Pickles hold the settings only: all else is read from the study again. Names of settings have no
    underscore in front. Constructors call `_begin`.
    """

    _lock: threading.Lock
    _of: tuple[BaseStorage | None, int]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def _begin(self) -> None:
        """Makes what threads share, and begins with no study."""
        self._lock = threading.Lock()
        self._of = (None, -1)
        self._forget()

    def _turn_to(self, study: optuna.Study) -> None:
        """Forgets what is known where it is of another study."""
        if (study._storage, study._study_id) != self._of:
            self._of = (study._storage, study._study_id)
            self._forget()

    @abstractmethod
    def _forget(self) -> None:
        """Sets everything that belongs to a study to its beginning."""


class History:
    """Reads the trials of a study as architectures of a space; each finished trial once.

    Args:
        space: that the trials' parameters are decisions of.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._read: dict[int, Candidate | None] = {}
        self._records: dict[int, Record] = {}

    def held(self, trials: Sequence[FrozenTrial]) -> dict[str, int]:
        """Keys of architectures that are trained, in training or waiting for it, by trial.

        A trial whose worker was killed frees its architecture. So does one whose objective raised
        (it may have been interrupted), but not a second time.
        """
        found: dict[str, int] = {}
        failed: set[str] = set()
        for trial in trials:
            key = self.key(trial)
            if key is None or (_is_free(trial) and key not in failed):
                failed |= {key} if key and FAILED in trial.system_attrs else set()
                continue
            found.setdefault(key, trial.number)
        return found

    def key(self, trial: FrozenTrial) -> str | None:
        """The key of a trial's architecture; None where it is not decided yet."""
        if PLAN in trial.system_attrs:
            return str(trial.system_attrs[PLAN]["key"])
        if "key" in trial.user_attrs:
            return str(trial.user_attrs["key"])
        candidate = self.candidate(trial)
        return None if candidate is None else candidate.architecture.key

    def candidate(self, trial: FrozenTrial) -> Candidate | None:
        """A trial's architecture, its decisions, and its value as score.

        None for a trial whose parameters do not make an architecture of the space: it is still
        being asked, or somebody else's.
        """
        if trial.number not in self._read:
            candidate = self._made(trial)
            if not trial.state.is_finished():
                return candidate
            self._read[trial.number] = candidate
        return self._read[trial.number]

    def corpus(self, trials: Sequence[FrozenTrial], pruned: bool = False) -> Corpus:
        """The finished networks, as a surrogate is fitted to; the header is made up.

        Args:
            trials: of the study.
            pruned: whether those count that were stopped early, with their last accuracy: too low,
                but better than to know nothing of what was stopped for being bad.

        Raises:
            InvalidStudy: a value is no accuracy.
        """
        states = (TrialState.COMPLETE, TrialState.PRUNED) if pruned else (TrialState.COMPLETE,)
        records = [
            record
            for trial in trials
            if trial.state in states and (record := self._record(trial)) is not None
        ]
        example = records[0].architecture if records else self._example
        return Corpus(Header(example.skeleton, example.input, data="study"), tuple(records))

    @cached_property
    def _example(self) -> Architecture:
        return self._space.generate(Draw(np.random.default_rng(0)))

    def _made(self, trial: FrozenTrial) -> Candidate | None:
        choose = Replay({**trial.system_attrs.get("fixed_params", {}), **trial.params})
        try:
            network = self._space.canonical(self._space.generate(choose))
        except InvalidArchitecture:
            return self._taken_in(trial)
        score = float("nan") if trial.value is None else trial.value
        return Candidate(network, score, choose.decisions, choose.options)

    def _taken_in(self, trial: FrozenTrial) -> Candidate | None:
        """A network of a corpus that a study took in: its decisions are not known."""
        data = trial.user_attrs.get("record")
        if data is None:
            return None
        record = Record.from_json(data, self._example.skeleton, self._example.input)
        return Candidate(record.architecture, float("nan") if trial.value is None else trial.value)

    def _record(self, trial: FrozenTrial) -> Record | None:
        if trial.value is None:
            return None
        if trial.number not in self._records:
            candidate = self.candidate(trial)
            if candidate is None:
                return None
            self._records[trial.number] = record_of(trial, candidate.architecture)
        return self._records[trial.number]


def corpus_of_trials(study: optuna.Study, space: SearchSpace) -> Corpus:
    """The finished networks of anybody's study whose objective generates from the space.

    Raises:
        InvalidStudy: the study does not maximize one value, or a value is no accuracy.
    """
    check_study(study)
    return History(space).corpus(study.get_trials(deepcopy=False))


def record_of(trial: FrozenTrial, architecture: Architecture) -> Record:
    """A finished trial as a record.

    Raises:
        InvalidStudy: its value is no accuracy.
    """
    try:
        return Record(architecture, trial.value, LearningCurve(observed(trial)))
    except InvalidCorpus as error:
        raise InvalidStudy(
            f"trials must report and return accuracies in [0, 1], but trial {trial.number} has "
            f"{trial.value} after {list(trial.intermediate_values.values())[-3:]}; "
            "divide percentages by 100"
        ) from error


def observed(trial: FrozenTrial) -> tuple[float, ...]:
    """The accuracies that a trial has reported so far, by step."""
    return tuple(trial.intermediate_values[step] for step in sorted(trial.intermediate_values))


def check_study(study: optuna.Study) -> None:
    """Raises InvalidStudy unless the study maximizes one value."""
    if [direction.name for direction in study.directions] != ["MAXIMIZE"]:
        raise InvalidStudy(
            "a study of networks must maximize one value, the accuracy, but this one has the "
            f"directions {[d.name.lower() for d in study.directions]}; create it with "
            "direction='maximize'"
        )


def _is_free(trial: FrozenTrial) -> bool:
    """True for a trial that ended without a result, and not by its network's fault."""
    return trial.state == TrialState.FAIL and trial.user_attrs.get("status") != "failed"
