from datetime import datetime, timedelta

import pytest
import toys
from optuna.trial import TrialState, create_trial

from nas.studies.owners import Owner
from nas.studies.progress import progress_of
from nas.studies.slots import Board, slots_of

SLOTS = slots_of(toys.TASK, 10)


def trial(index, seconds, state=TrialState.COMPLETE, number=-1, **attributes):
    value = 0.1 * index if state == TrialState.COMPLETE else None
    made = create_trial(
        state=state,
        value=value,
        user_attrs={"index": index, "macs": SLOTS[index].macs, **attributes},
    )
    made.number = number
    start = datetime(2026, 1, 1)
    if state == TrialState.RUNNING:
        made.datetime_start = datetime.now() - timedelta(seconds=seconds)
    else:
        made.datetime_start, made.datetime_complete = start, start + timedelta(seconds=seconds)
    return made


def shown(*trials):
    return progress_of(Board(SLOTS, trials), 7.0)


def seconds(index):
    """What a network takes in these tests: a base, and a share for its MACs."""
    return 20 + SLOTS[index].macs / 1000


def test_counts_and_best():
    failed = trial(4, 1.0, TrialState.FAIL, status="failed")
    progress = shown(trial(1, 5), trial(3, 5), failed, trial(5, 5, TrialState.RUNNING))
    assert (progress.done, progress.total, progress.failed, progress.running) == (3, 10, 1, 1)
    assert progress.best == pytest.approx(0.3)
    assert progress.work_done == sum(SLOTS[i].macs for i in (1, 3, 4))
    assert progress.work_total == sum(slot.macs for slot in SLOTS)
    assert progress.seconds == 7.0


def test_nothing_is_foretold_by_what_says_little():
    assert shown().eta is None
    assert shown(*(trial(index, 0.0, taken_in=True) for index in range(5))).eta is None
    assert shown(trial(0, 5), trial(1, 5)).eta is None


def test_a_workers_first_training_counts_only_where_it_was_long():
    owner = Owner.here().to_json()
    first = [trial(0, 30, number=0, owner=owner)]
    rest = [trial(index, 1, number=index, owner=owner) for index in range(1, 6)]
    assert shown(*first, *rest).eta == pytest.approx(4, abs=1)
    assert shown(trial(0, 90, number=0, owner=owner)).eta > 90


def test_the_time_left_follows_base_and_macs():
    done = [trial(index, seconds(index)) for index in range(6)]
    expected = sum(seconds(index) for index in range(6, 10))
    assert shown(*done).eta == pytest.approx(expected)
    two = [trial(6, 5, TrialState.RUNNING), trial(7, 8, TrialState.RUNNING)]
    assert shown(*done, *two).eta == pytest.approx((expected - 13) / 2, abs=0.1)


def test_few_results_are_extended_in_proportion():
    done, left = (sum(slot.macs for slot in slots) for slots in (SLOTS[:3], SLOTS[3:]))
    assert shown(*(trial(index, 10) for index in range(3))).eta == pytest.approx(30 * left / done)


def test_times_that_have_nothing_to_do_with_macs_are_averaged():
    times = [9 - index for index, _ in enumerate(SLOTS)]
    order = sorted(range(6), key=lambda index: SLOTS[index].macs)
    done = [trial(index, times[rank]) for rank, index in enumerate(order)]
    assert shown(*done).eta == pytest.approx(4 * sum(times[:6]) / 6)
