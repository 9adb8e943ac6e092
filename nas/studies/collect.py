"""Collecting: workers train the networks of a task, each a trial of one study."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, OutOfMemory, WorkersDied
from nas.core.interfaces import Candidate
from nas.search.quiet import quiet
from nas.studies.crew import Crew, End
from nas.studies.owners import Process
from nas.studies.progress import Progress, progress_of
from nas.studies.reclaim import Reclaimer
from nas.studies.retraining import retrainings
from nas.studies.slots import Board, Slot, failures, freed, slots_of
from nas.studies.storage import at_once, opened
from nas.studies.task import CollectTask, make_study
from nas.studies.trials import Trials
from nas.studies.worker import Job

OnProgress = Callable[[Progress], None]

_POLL = 1.0  # seconds between two looks at the study
_PATIENCE = 10.0  # seconds that a worker with nothing left to do has for its end

_logger = logging.getLogger(__name__)


def collect(
    task: CollectTask,
    *,
    storage: str | os.PathLike[str],
    study: str,
    networks: int,
    workers: int = 1,
    proposals: Sequence[Candidate] = (),
    reclaim: bool = False,
    retry_failed: bool = False,
    retrain: int = 0,
    train_seed: int = 1,
    on_progress: OnProgress | None = None,
) -> Corpus:
    """Trains the first networks of a task's stream, and proposed ones, as trials of a study.

    What is there already is kept: a killed call, or one with fewer networks, is simply called
    again. The corpus does not depend on the number of workers, machines and interruptions.

    Args:
        task: what is trained and how.
        storage: where the study is kept, see `nas.studies.opened`. Other commands, on other
            machines too, may work on the same study.
        study: its name.
        networks: how many of the stream.
        workers: processes on this machine, one thread each.
        proposals: architectures to train besides; those that the stream holds are left out.
        reclaim: takes what other machines seem to be training for abandoned. Needed where they
            died and the storage has no heartbeat (journal and gRPC).
        retry_failed: trains the networks that failed or ran out of time so far once again.
        retrain: how many of the stream's networks to train once more, when all have a result;
            evenly spread over their accuracies.
        train_seed: of these trainings.
        on_progress: called about once a second.

    Returns:
        All that the study holds.

    Raises:
        InvalidOption, InvalidData: a setting that cannot be, or that the evaluator cannot work
            with.
        InvalidStudy: the study is of another task, or the storage cannot be opened.
        DiskFull: there is no room for what a training writes.
        WorkersDied: networks are left, but workers die.
    """
    _check(task, networks, workers, retrain, train_seed)
    slots = slots_of(task, networks, proposals)
    job = Job(task, os.fspath(storage), study, slots, Process.current())
    _pickled(job)  # what cannot be sent is refused before anything is written
    with quiet(), opened(storage) as opened_storage:
        trials = make_study(opened_storage, study, task)
        wanted = _tried_again(slots, trials) if retry_failed else slots
        workers = _run(replace(job, slots=wanted), trials, workers, on_progress, reclaim)
        if retrain:
            board = Board(wanted[:networks], trials.read())
            while not board.complete:  # another command tries some of them again
                workers = _run(replace(job, slots=wanted), trials, workers, on_progress)
                board = Board(wanted[:networks], trials.read())
            more = retrainings(board, retrain, train_seed)
            more = _tried_again(more, trials) if retry_failed else more
            _run(replace(job, slots=(*wanted, *more)), trials, workers, on_progress)
        return Corpus.from_study(trials.study)


def _tried_again(slots: tuple[Slot, ...], trials: Trials) -> tuple[Slot, ...]:
    return freed(slots, failures(slots, trials.read()))


def _run(
    job: Job,
    trials: Trials,
    workers: int,
    on_progress: OnProgress | None,
    reclaim: bool = False,
) -> int:
    """Trains what is missing; returns how many workers there was room for in the end."""
    crew, reclaimer = Crew(_pickled(job), workers), Reclaimer(trials, job.command)
    _Run(trials, job.slots, crew, reclaimer, on_progress).until_complete(reclaim)
    return crew.size


class _Run:
    """One command's work on the slots of a study."""

    def __init__(
        self,
        trials: Trials,
        slots: Sequence[Slot],
        crew: Crew,
        reclaimer: Reclaimer,
        on_progress: OnProgress | None,
    ) -> None:
        self._trials, self._slots, self._crew = trials, slots, crew
        self._reclaimer, self._on_progress = reclaimer, on_progress
        self._start = time.monotonic()

    def until_complete(self, reclaim: bool) -> None:
        if reclaim:
            self._reclaimer.take_all()
        try:
            while not self._step().complete:
                self._crew.wait(_POLL)
            self._crew.join(_PATIENCE)
            for end in self._crew.reap():  # one with the slots all taken meanwhile counts too
                self._lacked_memory(end)
        finally:
            self._crew.stop()
            with at_once():  # whoever comes next does it otherwise
                self._reclaimer.sweep(self._trials.read())

    def _step(self) -> Board:
        # In this order: a worker ends when it finds no free slot, so trials that are read after
        # its end show one only if it became free since.
        for end in self._crew.reap():
            self._see_off(end)
        self._reclaimer.sweep(self._trials.read(), self._crew.pids)
        board = Board(self._slots, self._trials.read())
        if self._on_progress is not None:
            self._on_progress(progress_of(board, time.monotonic() - self._start))
        if board.free:
            self._crew.fill(self._crew.live + len(board.free))
        elif not self._crew.live and not board.complete:
            self._reclaimer.warn_of(board)
        return board

    def _see_off(self, end: End) -> None:
        self._reclaimer.bury(end, self._slots)
        if self._lacked_memory(end):
            return
        if end.error is not None and end.death is None:
            raise end.error
        if end.exitcode == 0:
            return
        left = len(self._slots) - len(Board(self._slots, self._trials.read()).finished)
        if left and self._crew.exhausted:
            raise WorkersDied(
                f"{left} networks are left, but the workers die ({end.death}); give "
                "fewer workers or more memory, and run again to go on"
            )
        _logger.warning("a worker died (%s)", end.death)

    def _lacked_memory(self, end: End) -> bool:
        """True for a worker that found no room beside the others, of whom there are fewer then."""
        if not isinstance(end.error, OutOfMemory) or end.size == 1:
            return False
        _logger.warning("%s; there is room for %d at a time", end.error, self._crew.shrink(end))
        return True


def _check(task: CollectTask, networks: int, workers: int, retrain: int, train_seed: int) -> None:
    if networks < 0 or workers < 1:
        raise InvalidOption(
            f"networks must be at least 0 and workers at least 1, but got {networks} and {workers}"
        )
    if not 0 <= retrain <= networks:
        raise InvalidOption(
            f"retrain must be from 0 to the number of networks, {networks}, but got {retrain}"
        )
    check_seed(train_seed, "train_seed")
    task.check()


def _pickled(job: Job) -> bytes:
    try:
        return pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InvalidOption(
            f"space and evaluator must be picklable, to be sent to the workers, but: {error}; "
            "define their classes at the top of a module"
        ) from error
