import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import optuna
import psutil
import pytest
import toys
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from nas.studies import reclaim as reclaim_module
from nas.studies import storage as storage_module
from nas.studies.crew import End, told
from nas.studies.owners import Owner, Process
from nas.studies.reclaim import Reclaimer
from nas.studies.slots import Board, occupy, slots_of
from nas.studies.storage import opened
from nas.studies.task import make_study

SLOTS = slots_of(toys.task(), 4)
ME = Process.current()
GONE = Process(2**22 + 1, 0.0)  # above the largest pid


def add(trials, slot=0, **changes):
    """A running trial of an owner that differs from us by this; its state is returned later."""
    owner = replace(Owner.here(), **changes)
    occupy(trials, Board(SLOTS, trials.read()), SLOTS[slot], owner)
    return lambda: trials.read()[-1].state


def sweep(trials):
    reclaimer = Reclaimer(trials, ME)
    reclaimer.sweep(trials.read())
    return reclaimer


def test_a_dead_worker_of_a_dead_command_is_reclaimed_at_once(toy_study):
    state = add(toy_study, process=GONE, command=GONE)
    sweep(toy_study)
    assert state() == TrialState.FAIL
    assert Board(SLOTS, toy_study.read()).free == sorted(SLOTS, key=lambda slot: -slot.macs)


def test_the_living_are_left_alone(toy_study):
    state = add(toy_study)
    sweep(toy_study)
    assert state() == TrialState.RUNNING


def test_the_dead_of_a_living_command_are_left_to_it(toy_study):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(child.pid).create_time() - psutil.boot_time()
    state = add(toy_study, process=GONE, command=Process(child.pid, started))
    sweep(toy_study)
    assert state() == TrialState.RUNNING
    child.communicate(b"\n")
    sweep(toy_study)
    assert state() == TrialState.FAIL


def test_other_machines_are_reclaimed_at_the_users_word(toy_study):
    state = add(toy_study, host="far", process=GONE, command=GONE)
    reclaimer = sweep(toy_study)
    assert state() == TrialState.RUNNING
    reclaimer.take_all()
    assert state() == TrialState.FAIL


def test_at_the_users_word_nothing_of_this_machine_is_ended(toy_study):
    state = add(toy_study)
    Reclaimer(toy_study, ME).take_all()
    assert state() == TrialState.RUNNING


def test_a_machine_that_never_sent_a_heartbeat_is_noticed(storage, monkeypatch):
    for name in ("HEARTBEAT", "GRACE"):
        monkeypatch.setattr(storage_module, name, 1)
    with opened(storage) as backend:
        trials = make_study(backend, "toy", toys.task())
        state = add(trials, host="far", process=GONE, command=GONE)
        sweep(trials)
        assert state() == TrialState.RUNNING
        time.sleep(2.1)  # SQLite's clock has whole seconds
        sweep(trials)
        assert state() == TrialState.FAIL


def test_nobody_is_taken_for_dead_right_behind_an_outage(toy_study, monkeypatch):
    now, judged = [0.0], []
    monkeypatch.setattr(reclaim_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(toy_study, "fail_stale", lambda: judged.append(now[0]))
    add(toy_study, host="far")
    reclaimer = Reclaimer(toy_study, ME)
    for now[0] in (0, 5, 10, 60, 61, 70, 80, 89, 90):  # nothing was read from 10 to 60
        reclaimer.sweep(toy_study.read())
    assert judged == [0, 10, 90]


def test_an_outage_that_begins_is_not_judged_by(toy_study, monkeypatch):
    now, judged = [0.0], []
    monkeypatch.setattr(reclaim_module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def fail_stale():
        judged.append(now[0])
        raise StorageInternalError("gone")

    monkeypatch.setattr(toy_study, "fail_stale", fail_stale)
    add(toy_study, host="far")
    reclaimer = Reclaimer(toy_study, ME)
    for now[0] in (0, 10, 20, 29, 30):
        reclaimer.sweep(toy_study.read())
    assert judged == [0, 30]


def test_trials_of_others_are_left_alone(toy_study):
    toy_study.study.add_trial(optuna.trial.create_trial(state=TrialState.RUNNING))
    sweep(toy_study).take_all()
    assert [t.state for t in toy_study.read()] == [TrialState.RUNNING]


def test_waiting_for_another_machine_is_said_where_nothing_else_helps(tmp_path, caplog):
    with opened(f"journal:{tmp_path}/log") as backend:
        trials = make_study(backend, "toy", toys.task())
        add(trials, host="far")
        reclaimer = Reclaimer(trials, ME)
        for _ in range(2):
            reclaimer.warn_of(Board(SLOTS, trials.read()))
    assert caplog.text.count("--reclaim") == 1 and "far" in caplog.text


def bury(trials, exitcode):
    add(trials)
    Reclaimer(trials, ME).bury(End(ME.pid, exitcode, None, size=1), SLOTS)
    return trials.read()[-1]


def test_a_killed_worker_is_forgiven_twice(toy_study):
    for _ in range(2):
        trial = bury(toy_study, -9)
        assert trial.state == TrialState.FAIL and "status" not in trial.user_attrs
    trial = bury(toy_study, -9)
    assert trial.user_attrs["status"] == "failed"
    assert trial.user_attrs["error"] == (
        "its worker died (exit code -9, SIGKILL; often: out of memory)"
    )


@pytest.mark.parametrize("exitcode", [0, -11])
def test_a_crash_is_the_networks_fault(exitcode, toy_study):
    assert bury(toy_study, exitcode).user_attrs["status"] == "failed"


def test_exit_codes_for_people():
    assert told(3) == "exit code 3"
    assert told(-11) == "exit code -11, SIGSEGV"
