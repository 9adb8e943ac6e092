"""Trials whose worker is gone: ended, so that their networks are trained by somebody else."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

from optuna.trial import FrozenTrial, TrialState

from nas.studies.crew import End
from nas.studies.owners import Owner, Process
from nas.studies.slots import Board, Claim, Slot, owner_of, slot_name
from nas.studies.storage import GRACE, HEARTBEAT, passing
from nas.studies.trials import LostTrial, Trials
from nas.studies.worker import fail

STRIKES = 3
"""So many workers of living commands may a network kill before it counts as failed."""

_BY_HAND = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_logger = logging.getLogger(__name__)


class Reclaimer:
    """Looks after the running trials of a study on behalf of one command."""

    def __init__(self, trials: Trials, command: Process) -> None:
        self._trials, self._command = trials, command
        self._next = 0.0  # when the heartbeats are to be looked at
        self._swept = time.monotonic()
        self._known: set[int] = set()  # trials of other machines that have a heartbeat for sure
        self._warned = False

    def take_all(self) -> None:
        """Ends every running trial of other machines, at the user's word that they are gone."""
        for trial in _running(self._trials.read()):
            owner = owner_of(trial)
            if owner is not None and not owner.is_local:
                self._interrupt(trial)

    def bury(self, end: End, slots: Sequence[Slot]) -> None:
        """Ends what a worker of this command was training when it ended, if anything.

        A network that crashed its worker has failed. One whose worker was killed may be innocent
        and is tried again, until it was there three times.
        """
        board = Board(slots, self._trials.read())
        for trial in board.running:
            owner = owner_of(trial)
            if owner is None or not owner.is_local or owner.process.pid != end.pid:
                continue
            slot = next(slot for slot in slots if slot.name == slot_name(trial))
            trial_id = self._trials.id_of(trial.number)
            if end.death is None:
                self._trials.interrupt(trial_id)
            elif _guilty(end.exitcode, _deaths(slot, board.trials) + 1):
                error = f"its worker died ({end.death})"
                with suppress(LostTrial):
                    fail(self._trials, Claim(slot, trial_id), error, died=end.death)
            else:
                self._trials.interrupt(trial_id, died=end.death)

    def sweep(self, trials: Sequence[FrozenTrial], mourned: Collection[int] = ()) -> None:
        """Ends the trials whose worker is gone and not left to a living command.

        Args:
            trials: all of the study.
            mourned: processes of workers that this command will bury itself, in case they died.
        """
        foreign = []
        for trial in _running(trials):
            owner = owner_of(trial)
            if owner is None or not owner.is_local:
                foreign.append(trial)
            elif owner.process.pid not in mourned and self._is_ours_to_end(owner):
                self._interrupt(trial)
        if foreign and self._trials.has_heartbeat and self._may_judge():
            self._check_heartbeats(foreign)

    def _may_judge(self) -> bool:
        """True each HEARTBEAT seconds, and GRACE seconds behind a long gap between two sweeps.

        In the gap the storage did not answer, or this machine slept: where nobody could beat, all
        look stale at first.
        """
        now, before = time.monotonic(), self._swept
        self._swept = now
        if now - before > GRACE - HEARTBEAT:
            self._next = now + GRACE
        if now < self._next:
            return False
        self._next = now + HEARTBEAT
        return True

    def warn_of(self, board: Board) -> None:
        """Says, once, that nothing is left but what other machines are training."""
        if not self._warned and not self._trials.has_heartbeat:
            self._warned = True
            owners = [owner_of(trial) for trial in board.running]
            hosts = sorted({owner.host for owner in owners if owner and not owner.is_local})
            if hosts:
                _logger.warning(
                    "waiting for networks in training on %s; this storage has no heartbeat, so "
                    "if those workers are gone, stop this command and add --reclaim",
                    ", ".join(hosts),
                )

    def _is_ours_to_end(self, owner: Owner) -> bool:
        left = owner.command == self._command or not owner.command.alive()
        return left and not owner.process.alive()

    def _check_heartbeats(self, foreign: list[FrozenTrial]) -> None:
        """Fails stale trials; only when other machines take part.

        On this one processes are looked up, which is right also after it was suspended.
        """
        try:
            self._trials.fail_stale()
            for trial in foreign:
                # Optuna overlooks a trial whose worker died before its first heartbeat, so each
                # gets one from us. If the worker lives, one more does no harm.
                if trial.number not in self._known:
                    self._trials.beat(self._trials.id_of(trial.number))
                    self._known.add(trial.number)
        except passing():  # an outage begins
            self._next = time.monotonic() + GRACE

    def _interrupt(self, trial: FrozenTrial) -> None:
        self._trials.interrupt(self._trials.id_of(trial.number))


def _running(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [t for t in trials if t.state == TrialState.RUNNING and slot_name(t) is not None]


def _guilty(exitcode: int, deaths: int) -> bool:
    quit_ = exitcode == 0  # in the middle of a training
    crashed = exitcode < 0 and -exitcode not in _BY_HAND
    return quit_ or crashed or deaths >= STRIKES


def _deaths(slot: Slot, trials: Sequence[FrozenTrial]) -> int:
    since = -1 if slot.retries is None else slot.retries
    own = (t for t in trials if slot_name(t) == slot.name and t.number > since)
    return sum("died" in t.user_attrs for t in own)
