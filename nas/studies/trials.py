"""The trials of one study: the few calls on Optuna's storage that collecting is made of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from nas.studies.storage import HEARTBEAT, experimental

T = TypeVar("T")
_FIRST_BEAT = 1.0  # seconds: shorter trainings do without

_logger = logging.getLogger(__name__)


class LostTrial(Exception):
    """The trial was failed by someone who took its worker for dead."""


class Trials:
    """Reads and writes the trials of a study.

    Args:
        storage: an open one.
        study: name of a study that it holds.
    """

    def __init__(self, storage: BaseStorage, study: str) -> None:
        # Random: nothing is asked of this sampler, and it costs nothing.
        sampler = optuna.samplers.RandomSampler()
        self.study = optuna.load_study(study_name=study, storage=storage, sampler=sampler)
        self._storage = storage
        self._id = storage.get_study_id_from_name(study)

    @property
    def has_heartbeat(self) -> bool:
        """True where the storage notices by itself that a worker of another machine died."""
        return hasattr(self._storage, "record_heartbeat")

    def read(self) -> list[FrozenTrial]:
        """All trials by number; not to be changed."""
        return self._storage.get_all_trials(self._id, deepcopy=False)

    def get(self, trial_id: int) -> FrozenTrial:
        """One trial."""
        return self._storage.get_trial(trial_id)

    def create(self, template: FrozenTrial) -> int:
        """Adds a trial in one transaction and returns its id."""
        return self._storage.create_new_trial(self._id, template)

    def id_of(self, number: int) -> int:
        """The id of the trial with this number."""
        return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)

    def annotate(self, trial_id: int, **attributes: Any) -> None:
        """Sets user attributes, in order.

        Raises:
            LostTrial: the trial is not running any more; so do `report` and `finish`.
        """
        for name, value in attributes.items():
            _while_running(self._storage.set_trial_user_attr, trial_id, name, value)

    def report(self, trial_id: int, epoch: int, accuracy: float) -> None:
        """Sets one point of the learning curve."""
        _while_running(self._storage.set_trial_intermediate_value, trial_id, epoch, accuracy)

    def finish(self, trial_id: int, state: TrialState, value: float | None = None) -> None:
        """Ends a running trial."""
        values = None if value is None else [value]
        _while_running(self._storage.set_trial_state_values, trial_id, state, values)

    def interrupt(self, trial_id: int, **attributes: Any) -> None:
        """Ends a trial that gave no result, unless it has ended already; its slot is free again."""
        try:
            self.annotate(trial_id, **attributes)
            self.finish(trial_id, TrialState.FAIL)
        except LostTrial:
            pass

    def beat(self, trial_id: int) -> None:
        """Says that the trial's worker lives."""
        self._storage.record_heartbeat(trial_id)  # type: ignore[attr-defined]

    @contextmanager
    def beating(self, trial_id: int) -> Iterator[None]:
        """A heartbeat in the background, where the storage has one."""
        if not self.has_heartbeat:
            yield
            return
        stop = threading.Event()
        thread = threading.Thread(target=self._beat, args=(trial_id, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _beat(self, trial_id: int, stop: threading.Event) -> None:
        pause: float = _FIRST_BEAT
        while not stop.wait(pause):
            try:
                self.beat(trial_id)
                pause = HEARTBEAT
            except Exception as error:  # the training need not end for it
                pause = _FIRST_BEAT  # before the others, who can ask again too, take it for dead
                _logger.warning("a heartbeat failed and is tried again: %s", error)

    def fail_stale(self) -> None:
        """Fails the running trials whose heartbeat stopped."""
        with experimental():
            fail_stale_trials(self.study)


def _while_running(write: Callable[..., Any], *args: Any) -> None:
    try:
        write(*args)
    except UpdateFinishedTrialError as error:
        raise LostTrial from error
