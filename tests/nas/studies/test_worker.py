import threading
from dataclasses import replace

import optuna
import pytest
import toys
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from nas import Corpus
from nas.core.errors import DiskFull, InvalidData
from nas.studies import storage as storage_module
from nas.studies import trials as trials_module
from nas.studies.owners import Owner
from nas.studies.slots import claim, failures, freed, slots_of
from nas.studies.worker import work

SLOTS = slots_of(toys.task(), 4)
WIDTH = SLOTS[1].decisions["width"]


def odd(deed):
    """A task whose evaluator does something odd with the network of index 1."""
    return toys.task(evaluator=toys.Odd(width=WIDTH, deed=deed))


def do(trials, task):
    work(task, trials, SLOTS, Owner.here())
    return Corpus.from_study(trials.study)


def one(trials):
    """The last trial of index 1."""
    return [t for t in trials.read() if t.user_attrs["index"] == 1][-1]


def test_each_network_becomes_a_trial(toy_study):
    corpus = do(toy_study, toys.task())
    assert toys.facts(corpus) == toys.expected(4)
    trial, record = one(toy_study), corpus[1]
    assert trial.state == TrialState.COMPLETE and trial.value == record.target
    assert trial.intermediate_values == dict(enumerate(record.curve, start=1))
    assert trial.params == {"width": WIDTH, "kind": "a"}
    assert trial.user_attrs["status"] == "complete"
    assert trial.user_attrs["record"] == record.to_json()
    assert toy_study.study.best_value == max(corpus.targets)


@pytest.mark.parametrize(
    ("deed", "error"),
    [
        ("raise", "ValueError: no such luck"),
        ("exit", "SystemExit: 1"),
        ("failed", "the evaluator says so"),
        ("none", "TypeError: an evaluator must return a Record"),
        ("nonsense", "InvalidCorpus: hyperparameters must be numbers"),
    ],
)
def test_a_network_that_cannot_be_trained_is_a_failed_trial(deed, error, toy_study):
    corpus = do(toy_study, odd(deed))
    assert [r.status for r in corpus] == ["complete", "failed", "complete", "complete"]
    assert (corpus[1].seed, corpus[1].target) == (SLOTS[1].seed, None)
    trial = one(toy_study)
    assert trial.state == TrialState.FAIL and trial.user_attrs["status"] == "failed"
    assert trial.user_attrs["error"].startswith(error)
    assert len(trial.user_attrs["error"].splitlines()) == 1
    do(toy_study, toys.task())
    assert len(toy_study.read()) == 4, "it must not be tried again"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("diverged", TrialState.COMPLETE),
        ("pruned", TrialState.PRUNED),
        ("timeout", TrialState.PRUNED),
    ],
)
def test_other_ends_are_results(status, state, toy_study):
    corpus = do(toy_study, odd(status))
    assert corpus[1].status == status
    assert one(toy_study).state == state
    assert one(toy_study).value == corpus[1].curve[-1]


def test_an_evaluator_that_cannot_work_here_ends_the_worker(toy_study):
    with pytest.raises(InvalidData, match="fetch them"):
        do(toy_study, odd("no data"))
    trial = one(toy_study)
    assert trial.state == TrialState.FAIL and "status" not in trial.user_attrs
    assert toys.facts(do(toy_study, toys.task())) == toys.expected(4)


def test_a_full_disk_ends_the_worker_and_is_not_the_networks_fault(toy_study):
    with pytest.raises(DiskFull, match=r"room for weights.ckpt, but: No space left.*run again"):
        do(toy_study, odd("full disk"))
    assert one(toy_study).state == TrialState.FAIL and "status" not in one(toy_study).user_attrs
    assert toys.facts(do(toy_study, toys.task())) == toys.expected(4)


def test_failed_networks_can_be_tried_again(toy_study):
    do(toy_study, odd("raise"))
    failed = failures(SLOTS, toy_study.read())
    assert list(failed) == [SLOTS[1].name]
    again = freed(SLOTS, failed)
    work(odd("raise"), toy_study, again, Owner.here())
    assert len(toy_study.read()) == 5, "it failed once more, and one command tries once"
    assert [r.status for r in Corpus.from_study(toy_study.study)].count("failed") == 1
    work(toys.task(), toy_study, freed(SLOTS, failures(SLOTS, toy_study.read())), Owner.here())
    assert toys.facts(Corpus.from_study(toy_study.study)) == toys.expected(4)
    assert not failures(SLOTS, toy_study.read())


def test_a_second_try_that_was_killed_is_made_up_for_by_any_command(toy_study):
    do(toy_study, odd("raise"))
    again = freed(SLOTS, failures(SLOTS, toy_study.read()))
    taken = claim(toy_study, again, Owner.here())
    assert taken.slot.name == SLOTS[1].name
    toy_study.interrupt(taken.trial_id)
    assert toys.facts(do(toy_study, toys.task())) == toys.expected(4)


def test_a_pruner_stops_trainings(toy_study):
    pruner = optuna.pruners.ThresholdPruner(lower=0.0, upper=0.0)
    corpus = do(toy_study, toys.task(pruner=pruner))
    assert [(r.status, len(r.curve)) for r in corpus] == [("pruned", 1)] * 4


class Silent(toys.PretendEvaluator):
    """Never calls `on_epoch`."""

    def evaluate(self, architecture, epochs=None, seed=0, on_epoch=None):
        return super().evaluate(architecture, epochs, seed)


def test_the_curve_is_kept_though_no_epoch_was_told(toy_study):
    corpus = do(toy_study, toys.task(evaluator=Silent()))
    assert toys.facts(corpus) == toys.expected(4)
    assert list(one(toy_study).intermediate_values.values()) == list(corpus[1].curve)


class Meddler(toys.PretendEvaluator):
    """Somebody fails the trial of index 1 during its first training."""

    def evaluate(self, architecture, epochs=None, seed=0, on_epoch=None):
        trial = self.trials.read()[-1]
        if not self.done and trial.user_attrs["index"] == 1:
            self.done = True
            self.trials.interrupt(self.trials.id_of(trial.number))
        record = super().evaluate(architecture, epochs, seed, on_epoch)
        self.epochs_trained += len(record.curve)
        return record


def test_a_result_whose_trial_was_failed_is_dropped_and_made_again(toy_study, storage, caplog):
    caplog.set_level("INFO")
    evaluator = Meddler()
    evaluator.trials, evaluator.done, evaluator.epochs_trained = toy_study, False, 0
    corpus = do(toy_study, toys.task(evaluator=evaluator))
    assert toys.facts(corpus) == toys.expected(4)
    assert evaluator.epochs_trained == 4 * 3 + 1, "a lost training must stop at its next epoch"
    toys.check_sound(storage, 4)
    assert "taken for dead" in caplog.text


def test_a_trial_killed_before_its_end_does_not_show(toy_study):
    corpus = do(toy_study, toys.task())
    again = toy_study.create(SLOTS[1].trial(Owner.here()))
    toy_study.annotate(again, record=corpus[1].to_json(), status="complete")
    assert len(Corpus.from_study(toy_study.study)) == 4
    toy_study.interrupt(again)
    assert len(Corpus.from_study(toy_study.study)) == 4


def fail_for(trials, monkeypatch, times):
    """Makes reports fail so many times, and waiting instant."""
    storage, left = trials._storage._backend, iter(range(times))  # below what waits
    real = storage.set_trial_intermediate_value

    def report(*args):
        if next(left, None) is not None:
            raise StorageInternalError("gone")
        real(*args)

    monkeypatch.setattr(storage, "set_trial_intermediate_value", report)
    monkeypatch.setattr(storage_module.time, "sleep", lambda seconds: None)


def test_short_failures_of_the_storage_are_waited_out(toy_study, monkeypatch):
    fail_for(toy_study, monkeypatch, 3)
    assert toys.facts(do(toy_study, toys.task())) == toys.expected(4)


def test_a_lost_storage_is_not_the_networks_fault(toy_study, monkeypatch):
    fail_for(toy_study, monkeypatch, 100)
    monkeypatch.setattr(storage_module, "_LONGEST", 601.0)
    with pytest.raises(StorageInternalError):
        do(toy_study, toys.task())
    assert "status" not in toy_study.read()[-1].user_attrs


def test_records_carry_index_and_seed_of_the_slot(toy_study):
    class Forgetful(toys.PretendEvaluator):
        def evaluate(self, *args):
            return replace(super().evaluate(*args), index=99, seed=None)

    corpus = do(toy_study, toys.task(evaluator=Forgetful()))
    assert [(r.index, r.seed) for r in corpus] == [(s.index, s.seed) for s in SLOTS]


def test_a_heartbeat_that_failed_is_tried_again_soon(toy_study, monkeypatch):
    monkeypatch.setattr(trials_module, "_FIRST_BEAT", 0.01)
    trial_id = toy_study.create(SLOTS[0].trial(Owner.here()))
    beats, done = [], threading.Event()

    def beat(trial_id):
        beats.append(trial_id)
        if len(beats) < 3:
            raise StorageInternalError("gone")
        done.set()

    monkeypatch.setattr(toy_study, "beat", beat)
    with toy_study.beating(trial_id):
        assert done.wait(5), "the next one is due after 10 s"
    assert beats == [trial_id] * 3
