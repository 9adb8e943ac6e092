"""A worker: takes free slots and trains their networks until none is free."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

import optuna
from optuna.trial import TrialState

from nas.core.errors import (
    DeviceLost,
    DiskFull,
    InvalidData,
    InvalidOption,
    NasError,
    OutOfMemory,
)
from nas.core.files import check_space
from nas.core.processes import WORKER, end_with_command
from nas.core.records import Record
from nas.studies.owners import Owner, Process
from nas.studies.slots import Claim, Slot, claim
from nas.studies.storage import at_once, opened
from nas.studies.task import CollectTask, check_measure, open_study
from nas.studies.trials import LostTrial, Trials

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a command tells its workers."""

    task: CollectTask
    storage: str
    study: str
    slots: tuple[Slot, ...]
    command: Process


def main(pickled: bytes, rank: int, alone: bool, said: Connection) -> None:
    """What a worker process runs.

    Args:
        pickled: a Job. It is unpickled here, so that a worker that is still importing the
            evaluator's libraries already watches its command.
        rank: the worker's number.
        alone: whether it is the command's only worker.
        said: takes the NasError, if one ends the worker.
    """
    # Ctrl-C reaches the whole group; it is the command that stops its workers. Not every platform
    # or thread could start them like that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_command()
    os.environ[WORKER] = str(rank)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        job: Job = pickle.loads(pickled)
        with opened(job.storage, create=False, patient=True) as storage:
            trials = open_study(storage, job.study, job.task)
            check_measure(trials, job.task.evaluator)
            work(job.task, trials, job.slots, Owner.here(job.command), rank, alone)
    except NasError as error:
        said.send(error)
        raise SystemExit(1) from None


def work(
    task: CollectTask,
    trials: Trials,
    slots: Sequence[Slot],
    owner: Owner,
    rank: int = 0,
    alone: bool = True,
) -> None:
    """Trains networks until no slot is free.

    Raises:
        DiskFull, InvalidData, InvalidOption: the evaluator cannot work here at all. Any other error
            of its is that network's, and a failed trial.
        DeviceLost: this process cannot work any more; its trial is left to whoever buries it.
        OutOfMemory: this worker and the others are too many; not where it is `alone`.
    """
    while (taken := claim(trials, slots, owner, rank)) is not None:
        try:
            _train(task, trials, taken, alone)
        except LostTrial:
            _logger.info(
                "%s was taken for dead and its trial failed; the result is dropped", taken.slot.name
            )


def _train(task: CollectTask, trials: Trials, taken: Claim, alone: bool) -> None:
    reporter = _Reporter(task, trials, taken.trial_id)
    slot = taken.slot
    try:
        with trials.beating(taken.trial_id):
            record = _checked(_evaluate(task, slot, reporter), slot)
    except (DiskFull, InvalidData, InvalidOption):
        with at_once():
            trials.interrupt(taken.trial_id)
        raise
    except DeviceLost:
        raise
    except (Exception, SystemExit) as error:
        reporter.check()
        if isinstance(error, OutOfMemory) and not alone:
            trials.interrupt(taken.trial_id)
            raise
        fail(trials, taken, _line(error), traceback=traceback.format_exc()[-4000:])
        return
    reporter.check()
    for epoch, accuracy in enumerate(record.curve, start=1):
        if epoch not in reporter.epochs:
            trials.report(taken.trial_id, epoch, accuracy)
    if record.status == "failed":
        fail(trials, taken, "the evaluator says so")
        return
    store(trials, taken.trial_id, record)
    if record.status != "timeout":  # else --retry_failed goes on from there, given more time
        task.evaluator.forget(slot.architecture, task.epochs, slot.seed)


def _evaluate(task: CollectTask, slot: Slot, reporter: _Reporter) -> Record:
    try:
        return task.evaluator.evaluate(slot.architecture, task.epochs, slot.seed, reporter)
    except OSError as error:
        check_space(error)
        raise


def store(trials: Trials, trial_id: int, record: Record) -> None:
    """Ends a trial with its record."""
    trials.annotate(trial_id, record=record.to_json(), status=record.status)
    end(trials, trial_id, record)


def end(trials: Trials, trial_id: int, record: Record) -> None:
    """Ends a trial that has its attributes already.

    Complete and diverged networks have a value. One that was pruned or ran out of time is, to
    Optuna, pruned: stopped early, its value the last accuracy.
    """
    if record.finished:
        trials.finish(trial_id, TrialState.COMPLETE, record.target)
    else:
        trials.finish(trial_id, TrialState.PRUNED, record.curve[-1] if record.curve else None)


def fail(trials: Trials, taken: Claim, error: str, **more: str) -> None:
    """Ends a trial whose network could not be trained; it is not tried again by itself."""
    slot = taken.slot
    record = Record(
        slot.architecture, status="failed", index=slot.index, seed=slot.seed, error=error
    )
    # The status last: it is what makes the trial count.
    trials.annotate(
        taken.trial_id, record=record.to_json(), error=error, **more, status=record.status
    )
    trials.finish(taken.trial_id, TrialState.FAIL)


class _Reporter:
    """The `on_epoch` of one training. It never raises: an evaluator must not see our errors."""

    def __init__(self, task: CollectTask, trials: Trials, trial_id: int) -> None:
        self._pruner, self._trials, self._trial_id = task.pruner, trials, trial_id
        self._error: Exception | None = None
        self.epochs: set[int] = set()

    def __call__(self, epoch: int, accuracy: float) -> bool:
        try:
            self._trials.report(self._trial_id, epoch, accuracy)
            self.epochs.add(epoch)
            return self._pruner is not None and self._pruner.prune(
                self._trials.study, self._trials.get(self._trial_id)
            )
        except Exception as error:
            self._error = error
            return True

    def check(self) -> None:
        """Raises what went wrong with a report, in place of what the evaluator made of it."""
        if self._error is not None:
            raise self._error


def _checked(record: Record, slot: Slot) -> Record:
    if not isinstance(record, Record) or record.architecture.key != slot.architecture.key:
        raise TypeError(
            f"an evaluator must return a Record of the architecture it was given, but got "
            f"{str(record)[:80]}"
        )
    record = replace(record, index=slot.index, seed=slot.seed)
    json.dumps(record.to_json())  # raises TypeError here rather than in the storage
    return record


def _line(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"[:500]
