"""How far a collect is: what a progress bar with an ETA and the best network so far needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from nas.studies.slots import Board, owner_of

_ENOUGH = 5  # trainings, before their times are taken to depend on their MACs
_LEAST = 3  # trainings, before anything is foretold
_LONG = 60.0  # seconds of a training beside which its worker's start does not count


@dataclass(frozen=True)
class Progress:
    """The state of a collect, of all commands that work on its study.

    Attributes:
        done: networks with a result, failed ones included.
        total: networks asked for.
        failed: networks that could not be trained.
        running: networks in training.
        best: highest final accuracy so far; None before the first.
        seconds: since this command started.
        work_done: MACs of the networks that are done.
        work_total: MACs of all.
        eta: seconds left, by the durations of the networks so far; None while they say too little.
    """

    done: int
    total: int
    failed: int
    running: int
    best: float | None
    seconds: float
    work_done: int
    work_total: int
    eta: float | None


def progress_of(board: Board, seconds: float) -> Progress:
    """The progress that a board shows."""
    finished = board.finished
    values = [t.value for t in finished if t.state == TrialState.COMPLETE and t.value is not None]
    ended = {slot.name for slot in board.slots if _ended(board.holders.get(slot.name))}
    return Progress(
        done=len(finished),
        total=len(board.slots),
        failed=sum(t.state == TrialState.FAIL for t in finished),
        running=len(board.running),
        best=max(values, default=None),
        seconds=seconds,
        work_done=sum(slot.macs for slot in board.slots if slot.name in ended),
        work_total=sum(slot.macs for slot in board.slots),
        eta=_eta(board),
    )


def _ended(trial: FrozenTrial | None) -> bool:
    return trial is not None and trial.state.is_finished()


def _eta(board: Board) -> float | None:
    """What the networks left take by a line through (MACs, duration) of those done."""
    left = [slot for slot in board.slots if not _ended(board.holders.get(slot.name))]
    timed = _timed(board)
    if not left:
        return 0.0
    if len(timed) < _LEAST and not any(_duration(trial) >= _LONG for trial in timed):
        return None
    macs = np.array([trial.user_attrs["macs"] for trial in timed], float)
    base, slope = _line(macs, np.array([_duration(trial) for trial in timed]))
    expected = 0.0
    for slot in left:
        holder = board.holders.get(slot.name)
        spent = 0.0 if holder is None else _duration(holder)
        expected += max(0.0, base + slope * slot.macs - spent)
    return expected / max(1, len(board.running))


def _line(macs: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """Base and slope, neither below 0: of the least-squares line, or of its nearest neighbour."""
    if len(macs) >= _ENOUGH and np.ptp(macs) > 0:
        scale = macs.max()
        slope, base = np.polyfit(macs / scale, seconds, 1)
        if slope < 0:
            return float(seconds.mean()), 0.0
        if base >= 0:
            return float(base), float(slope / scale)
    # Few trainings so far, the longest ones: in proportion, which is right for long ones.
    return 0.0, float(seconds.sum() / max(macs.sum(), 1.0))


def _timed(board: Board) -> list[FrozenTrial]:
    """Whole trainings that took place in this study.

    Without each worker's first one, in which it imports its libraries and loads the data, unless
    that was long.
    """
    first: dict[str, int] = {}
    for trial in board.trials:
        owner = owner_of(trial)
        if owner is not None:
            first.setdefault(owner.worker, trial.number)
    return [
        trial
        for trial in board.finished
        if trial.state == TrialState.COMPLETE
        and "taken_in" not in trial.user_attrs
        and (trial.number not in first.values() or _duration(trial) >= _LONG)
    ]


def _duration(trial: FrozenTrial) -> float:
    """Seconds from its start until its end, or until now."""
    start = trial.datetime_start
    if start is None:
        return 0.0
    return ((trial.datetime_complete or datetime.now(start.tzinfo)) - start).total_seconds()
