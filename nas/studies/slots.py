"""Slots: each place of the stream, each proposal and each retraining is trained by one trial.

A trial's user attribute `index` (or `proposal`, the architecture's key; or `retraining`, key and
seed) names its slot. The holder of a slot is its lowest-numbered trial that is running or has ended
with a result; to have failed by one's own fault (`status="failed"`) is a result, to have been
killed is not. Storages number trials in the order in which they become visible, so whoever adds a
trial and finds no lower one in its slot holds it, and nobody else does. This needs no lock and no
compare-and-set, which SQLite lacks. A trial that failed or ran out of time stops holding its slot
once a trial of the slot names it in its `retries`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from nas.core.architecture import Architecture
from nas.core.choices import Decisions, Option
from nas.core.interfaces import Candidate
from nas.core.records import Record
from nas.studies.owners import Owner
from nas.studies.stream import Sampled, proposal_seed, stream
from nas.studies.task import CollectTask
from nas.studies.trials import Trials

Name = tuple[str, int | str]


@dataclass(frozen=True)
class Slot:
    """A network that is to be trained once.

    Attributes:
        index: its network's place in the stream; None for a proposal.
        architecture: the network.
        seed: of its training.
        decisions: they become the trial's parameters.
        options: what each decision was chosen from.
        retries: number of the trial of it that does not count any more, if there is one.
        again: whether its network has another slot, in which it is trained first.
    """

    index: int | None
    architecture: Architecture
    seed: int
    decisions: Decisions = field(default_factory=dict)
    options: dict[str, tuple[Option, ...]] = field(default_factory=dict)
    retries: int | None = None
    again: bool = False

    @classmethod
    def of_stream(cls, sampled: Sampled) -> Slot:
        """The slot of a place in the stream."""
        options = dict(sampled.options)
        return cls(sampled.index, sampled.architecture, sampled.seed, sampled.decisions, options)

    def retraining(self, seed: int) -> Slot:
        """The slot in which its network is trained once more."""
        return replace(self, seed=seed, retries=None, again=True)

    @cached_property
    def name(self) -> Name:
        """What tells it from the study's other slots."""
        if self.again:
            return "retraining", f"{self.architecture.key}/{self.seed}"
        return ("proposal", self.architecture.key) if self.index is None else ("index", self.index)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of its network: how long it will take, roughly."""
        return self.architecture.macs

    def trial(self, owner: Owner, record: Record | None = None) -> FrozenTrial:
        """A running trial of this slot; where a record is given, with all that it says."""
        kind, name = self.name
        params = {name: v for name, v in self.decisions.items() if name in self.options}
        facts = {
            kind: name,
            "key": self.architecture.key,
            "seed": self.seed,
            "params": self.architecture.params,
            "macs": self.macs,
            "owner": owner.to_json(),
        }
        if self.retries is not None:
            facts["retries"] = self.retries
        if record is not None:
            facts |= {"taken_in": True, "record": record.to_json(), "status": record.status}
        return optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions={name: CategoricalDistribution(self.options[name]) for name in params},
            user_attrs=facts,
            intermediate_values=dict(enumerate(record.curve if record else (), start=1)),
        )


def slots_of(
    task: CollectTask, networks: int, proposals: Sequence[Candidate] = ()
) -> tuple[Slot, ...]:
    """What a study of this task is to hold: the stream's first networks, then the proposals.

    A proposal that the stream holds, or that came before, gets no slot of its own.
    """
    sampled = islice(stream(task.space, task.seed, task.limits), networks)
    slots = {s.architecture.key: Slot.of_stream(s) for s in sampled}
    for candidate in proposals:
        network = task.space.canonical(candidate.architecture)
        seed = proposal_seed(task.seed, network.key)
        slot = Slot(None, network, seed, candidate.decisions, dict(candidate.options))
        slots.setdefault(network.key, slot)
    return tuple(slots.values())


def failures(slots: Sequence[Slot], trials: Sequence[FrozenTrial]) -> dict[Name, int]:
    """Of each slot whose holder failed or ran out of time, that trial's number."""
    again = ("failed", "timeout")
    holders = Board(slots, trials).holders
    return {name: t.number for name, t in holders.items() if t.user_attrs.get("status") in again}


def freed(slots: Sequence[Slot], failed: Mapping[Name, int]) -> tuple[Slot, ...]:
    """The same slots; what `failures` found holds none of them any more."""
    return tuple(replace(slot, retries=failed.get(slot.name)) for slot in slots)


def slot_name(trial: FrozenTrial) -> Name | None:
    """The slot that a trial is of; None for a trial that somebody else put into the study."""
    for kind in ("index", "proposal", "retraining"):
        if kind in trial.user_attrs:
            return kind, trial.user_attrs[kind]
    return None


def owner_of(trial: FrozenTrial) -> Owner | None:
    """The worker that a trial is of; None for a trial that somebody else put into the study."""
    said = trial.user_attrs.get("owner")
    return None if said is None else Owner.from_json(said)


def holds(trial: FrozenTrial) -> bool:
    """True for a trial that keeps others out of its slot."""
    if trial.state == TrialState.FAIL:
        return bool(trial.user_attrs.get("status") == "failed")
    return trial.state != TrialState.WAITING


class Board:
    """How the slots stand, at one reading of the trials.

    Attributes:
        slots: all of them.
        trials: all trials of the study.
        holders: the trial that holds a slot, where one does.
    """

    def __init__(self, slots: Sequence[Slot], trials: Sequence[FrozenTrial]) -> None:
        self.slots, self.trials = slots, trials
        self.holders: dict[Name, FrozenTrial] = {}
        wanted = {slot.name for slot in slots}
        retried = {slot.retries for slot in slots}
        retried |= {trial.user_attrs.get("retries") for trial in trials}
        for trial in trials:
            name = slot_name(trial)
            if name in wanted and holds(trial) and trial.number not in retried:
                self.holders.setdefault(name, trial)  # trials come by number

    @cached_property
    def free(self) -> list[Slot]:
        """Slots to be taken: the longest trainings first, so that the last ones are short.

        What has killed its worker before stands behind the rest, which it shall not hold up; so
        does what was cut off twice or more, as it may take its whole machine along.
        """
        suspect: Counter[Name | None] = Counter()
        for trial in self.trials:
            if trial.state == TrialState.FAIL and "status" not in trial.user_attrs:
                suspect[slot_name(trial)] += 2 if "died" in trial.user_attrs else 1
        free = [slot for slot in self.slots if slot.name not in self.holders]
        return sorted(free, key=lambda slot: (suspect[slot.name] // 2, -slot.macs))

    @property
    def running(self) -> list[FrozenTrial]:
        """Holders in training."""
        return [t for t in self.holders.values() if t.state == TrialState.RUNNING]

    @property
    def finished(self) -> list[FrozenTrial]:
        """Holders with a result."""
        return [t for t in self.holders.values() if t.state.is_finished()]

    @property
    def complete(self) -> bool:
        """True when each slot has a result."""
        return len(self.finished) == len(self.slots)


@dataclass(frozen=True)
class Claim:
    """A slot and the running trial that holds it."""

    slot: Slot
    trial_id: int


def claim(trials: Trials, slots: Sequence[Slot], owner: Owner, rank: int = 0) -> Claim | None:
    """Takes a free slot for an idle worker; None where none is free.

    Args:
        trials: of the study.
        slots: all that may be taken.
        owner: the worker.
        rank: its number among the command's workers; those that start at once then ask for
            different slots.
    """
    while True:
        board = Board(slots, trials.read())
        _drop_own(trials, board, owner)
        if not board.free:
            return None
        # Others may look at the same board right now, so not everybody asks for the first.
        place = rank + random.randrange(2 * len(board.running) + 1)
        slot = board.free[place % len(board.free)]
        trial_id = occupy(trials, board, slot, owner)
        if trial_id is not None:
            return Claim(slot, trial_id)


def occupy(
    trials: Trials, board: Board, slot: Slot, owner: Owner, record: Record | None = None
) -> int | None:
    """Adds a trial to a slot that was free on the board; its id, or None where it came too late."""
    trial_id = trials.create(slot.trial(owner, record))
    if trials.id_of(len(board.trials)) == trial_id:
        return trial_id  # it follows upon the last trial that was read: nobody came between
    holder = Board(board.slots, trials.read()).holders.get(slot.name)
    if holder is not None and trials.id_of(holder.number) == trial_id:
        return trial_id
    trials.interrupt(trial_id, status="superseded")
    return None


def _drop_own(trials: Trials, board: Board, owner: Owner) -> None:
    """Ends what an idle worker seems to run: a trial whose creation failed only half."""
    for trial in board.trials:
        of = owner_of(trial) if trial.state == TrialState.RUNNING else None
        if of is not None and of.worker == owner.worker:
            trials.interrupt(trials.id_of(trial.number))
