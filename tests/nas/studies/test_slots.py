from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import toys
from optuna.trial import TrialState

from nas import Candidate
from nas.studies import find_study, opened
from nas.studies.owners import Owner
from nas.studies.slots import Board, claim, holds, occupy, slot_name, slots_of
from nas.studies.task import make_study

SLOTS = slots_of(toys.task(), 12)


def board(trials):
    return Board(SLOTS, trials.read())


def test_a_claim_holds_its_slot_and_says_all(toy_study):
    taken = claim(toy_study, SLOTS, Owner.here())
    trial = toy_study.read()[0]
    assert taken.slot.macs == max(slot.macs for slot in SLOTS)
    assert slot_name(trial) == taken.slot.name and holds(trial)
    assert trial.params == dict(taken.slot.decisions)
    told = {"index", "key", "seed", "params", "macs", "owner"}
    assert set(trial.user_attrs) == told
    assert [t.number for t in board(toy_study).running] == [0]


def test_workers_that_start_at_once_ask_for_different_slots(toy_study):
    first = claim(toy_study, SLOTS, Owner.here(), rank=2)
    order = sorted(SLOTS, key=lambda slot: -slot.macs)
    assert first.slot == order[2]


def test_free_are_the_interrupted_not_the_failed(toy_study):
    a, b, c = (claim(toy_study, SLOTS, Owner.here()) for _ in range(3))
    toy_study.interrupt(a.trial_id)
    toy_study.interrupt(b.trial_id, status="failed")
    toy_study.interrupt(c.trial_id, status="superseded")
    assert set(Board(SLOTS, toy_study.read()).holders) == {b.slot.name}


def test_what_killed_its_worker_stands_behind_the_rest(toy_study):
    taken = claim(toy_study, SLOTS, Owner.here())
    toy_study.interrupt(taken.trial_id, died="exit code -9")
    assert board(toy_study).free[-1] == taken.slot


def test_what_was_cut_off_twice_stands_behind_the_rest(toy_study):
    first, *others = Board(SLOTS, []).free
    cut_off = ({}, {"status": "superseded"}, {})
    for told, expected in zip(cut_off, ([first, *others],) * 2 + ([*others, first],), strict=True):
        toy_study.interrupt(toy_study.create(first.trial(Owner.here())), **told)
        assert Board(SLOTS, toy_study.read()).free == expected


def test_who_comes_second_withdraws(toy_study):
    before = board(toy_study)
    first = occupy(toy_study, before, SLOTS[3], Owner.here())
    assert first is not None
    assert occupy(toy_study, before, SLOTS[3], Owner.here()) is None
    assert occupy(toy_study, before, SLOTS[4], Owner.here()) is not None
    states = [(t.state, t.user_attrs.get("status")) for t in toy_study.read()]
    running = (TrialState.RUNNING, None)
    assert states == [running, (TrialState.FAIL, "superseded"), running]


def test_an_idle_worker_ends_what_it_seems_to_run(toy_study):
    owner = Owner.here()
    occupy(toy_study, board(toy_study), SLOTS[0], owner)
    claim(toy_study, SLOTS, owner)
    assert [t.state for t in toy_study.read()] == [TrialState.FAIL, TrialState.RUNNING]


@pytest.mark.parametrize("kind", ["", "journal:"])
def test_racing_workers_never_share_a_slot(kind, storage):
    url = kind + storage
    with opened(url) as backend:
        make_study(backend, "toy", toys.task())

    def take_all(rank):
        taken = []
        with opened(url) as backend:
            trials = find_study(backend, "toy")
            while True:
                # A new owner each time: these workers are never idle.
                got = claim(trials, SLOTS, Owner.here(), 0)
                if got is None:
                    return taken
                taken.append(got.slot.name)

    with ThreadPoolExecutor(4) as pool:
        taken = [name for names in pool.map(take_all, range(4)) for name in names]
    assert Counter(taken) == Counter(slot.name for slot in SLOTS)
    states = Counter(t.state for t in toys.trials_of(url))
    assert states[TrialState.RUNNING] == len(SLOTS)


def test_proposals_get_slots_behind_the_stream():
    task = toys.task()
    known, new = (slot.architecture for slot in (SLOTS[0], slots_of(task, 13)[12]))
    candidates = [
        Candidate(known, 1.0),
        Candidate(new, 0.9, {"width": 7}, {"width": toys.WIDTHS}),
        Candidate(new, 0.8),
    ]
    slots = slots_of(task, 12, candidates)
    assert slots[:12] == SLOTS
    assert [slot.name for slot in slots[12:]] == [("proposal", new.key)]
    assert slots[12].seed not in {slot.seed for slot in slots_of(task, 13)}
    other = slots_of(replace(task, seed=6), 0, candidates)
    assert other[1].seed != slots[12].seed
