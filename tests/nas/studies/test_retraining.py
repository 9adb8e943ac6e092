import os
import shutil
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest
import toys
from optuna.trial import TrialState

from nas import Corpus
from nas.core.errors import InvalidOption
from nas.studies import take_in
from nas.studies.owners import Owner
from nas.studies.retraining import evenly, retrainings
from nas.studies.slots import Board, claim, failures, freed, slots_of
from nas.studies.stream import retraining_seed
from nas.studies.worker import work

SLOTS = slots_of(toys.TASK, 12)


@pytest.fixture
def trained(toy_study):
    """A study whose twelve networks are trained."""
    work(toys.TASK, toy_study, SLOTS, Owner.here())
    return toy_study


def sample(trials, number=5, seed=1, slots=SLOTS):
    return retrainings(Board(slots, trials.read()), number, seed)


def train(trials, slots, evaluator=None):
    task = toys.task(evaluator=evaluator) if evaluator else toys.TASK
    work(task, trials, slots, Owner.here())


@pytest.mark.parametrize("count", [1, 2, 12, 40, 97, 1000])
def test_any_number_of_first_places_lies_evenly(count):
    order = evenly(count)
    assert sorted(order) == list(range(count))
    for number in range(2, count):
        gaps = np.diff([-1, *sorted(order[:number]), count])
        assert gaps.max() <= 1 + 2 * count / number


def test_a_sample_is_spread_over_the_accuracies(trained):
    slots = sample(trained, 6)
    values = {t.user_attrs["key"]: t.value for t in trained.read()}
    ranks = sorted(sorted(values.values()).index(values[s.architecture.key]) for s in slots)
    assert max(np.diff([-1, *ranks, 12])) <= 3
    for slot in slots:
        first = SLOTS[slot.index]
        assert slot.architecture == first.architecture and slot.decisions == first.decisions
        assert slot.seed == retraining_seed(1, slot.architecture.key) != first.seed
        assert slot.name == ("retraining", f"{slot.architecture.key}/{slot.seed}")


def test_it_stays_the_same_when_some_of_it_is_trained_or_was_killed(trained):
    slots = sample(trained)
    names = {slot.name for slot in slots}
    train(trained, slots[3:4])
    killed = trained.create(slots[1].trial(Owner.here()))
    assert {slot.name for slot in sample(trained)} == names
    trained.interrupt(killed)
    assert {slot.name for slot in sample(trained)} == names
    assert names < {slot.name for slot in sample(trained, 9)}, "more of them hold these"
    assert {slot.name for slot in sample(trained, 1)} == {slots[3].name}
    assert not names & {slot.name for slot in sample(trained, seed=2)}


def test_what_is_trained_counts_also_when_the_results_have_become_more(trained):
    few = SLOTS[:6]
    first = sample(trained, 3, slots=few)
    train(trained, first)
    more = sample(trained, 5)
    assert {slot.name for slot in first} < {slot.name for slot in more} and len(more) == 5
    train(trained, more[3:4])
    assert {slot.name for slot in sample(trained, 5)} == {slot.name for slot in more}


def test_only_results_are_trained_again(toy_study):
    odd = toys.Odd(width=SLOTS[1].decisions["width"], deed="timeout")
    train(toy_study, SLOTS[:3], odd)
    slots = sample(toy_study, 3, slots=SLOTS[:3])
    assert {slot.index for slot in slots} == {0, 2}


def test_a_retraining_that_failed_can_be_tried_again(trained):
    slots = sample(trained, 2)
    train(trained, slots, toys.Odd(width=slots[0].decisions["width"], deed="raise"))
    failed = failures(slots, trained.read())
    assert list(failed) == [slots[0].name]
    train(trained, freed(sample(trained, 2), failed))
    corpus = Corpus.from_study(trained.study)
    assert Counter(r.status for r in corpus) == {"complete": 14}


def check(corpus, number, seed=1):
    """The stream, then so many further trainings, each as the evaluator gives it."""
    assert toys.facts(corpus)[:12] == toys.expected(12)
    further = corpus[12:]
    assert len(further) == number == len({r.architecture.key for r in further})
    for record in further:
        key = record.architecture.key
        assert record.architecture == corpus[record.index].architecture
        assert record.seed == retraining_seed(seed, key)
        again = toys.TASK.evaluator.evaluate(record.architecture, seed=record.seed)
        assert record.curve == again.curve != corpus[record.index].curve
    assert [r.architecture.key for r in further] == sorted(r.architecture.key for r in further)


def test_collecting_adds_them_once(trained, storage, no_workers):
    train(trained, sample(trained, 4))
    corpus = toys.run(storage, 12, retrain=4)
    check(corpus, 4)
    assert toys.run(storage, 12) == toys.run(storage, 12, retrain=2) == corpus
    trials = trained.read()
    assert len(trials) == 16 and {t.state for t in trials} == {TrialState.COMPLETE}


@pytest.mark.slow
def test_a_retry_of_another_command_is_waited_for(toy_study, storage):
    """It is given up in the moment in which all seems to be done."""
    train(toy_study, SLOTS[:4], toys.Odd(width=SLOTS[1].decisions["width"], deed="raise"))
    retried = freed(SLOTS[:4], failures(SLOTS[:4], toy_study.read()))
    given_up = []

    def on_progress(progress):
        if not given_up:
            given_up.append(claim(toy_study, retried, Owner.here()).trial_id)
            toy_study.interrupt(given_up[0])

    corpus = toys.run(storage, 4, retrain=4, on_progress=on_progress)
    assert toys.facts(corpus)[:4] == toys.expected(4)
    assert len({record.architecture.key for record in corpus[4:]}) == 4


def test_a_corpus_with_them_goes_on_elsewhere(trained, storage, empty_study, tmp_path, no_workers):
    train(trained, sample(trained, 4))
    corpus = Corpus.from_study(trained.study)
    corpus.write(tmp_path / "corpus.jsonl")
    other = str(shutil.copy(empty_study, tmp_path / "other.db"))
    known = Corpus.read(tmp_path / "corpus.jsonl")
    assert take_in(toys.TASK, known, storage=other, study="toy") == 16
    assert take_in(toys.TASK, known, storage=other, study="toy") == 0
    assert toys.run(other, 12, retrain=4) == corpus


@pytest.mark.parametrize(
    ("retrain", "seed", "why"), [(-1, 1, "from 0"), (4, 1, "from 0 to"), (1, -1, "seed")]
)
def test_impossible_samples_are_refused(storage, retrain, seed, why):
    with pytest.raises(InvalidOption, match=why):
        toys.run(storage, 3, retrain=retrain, train_seed=seed)


@pytest.mark.slow
def test_two_workers_of_which_one_dies_lose_and_double_nothing(storage, tmp_path, caplog):
    """The worker dies when it is through with the stream, in a retraining."""
    evaluator = Deadly(once=f"{tmp_path}/once")
    check(toys.run(storage, 12, workers=2, task=toys.task(evaluator=evaluator), retrain=4), 4)
    assert "a worker died" in caplog.text
    trials = toys.trials_of(storage)
    assert Counter(t.state for t in trials)[TrialState.COMPLETE] == 16
    assert sum("died" in t.user_attrs for t in trials) == 1


@dataclass
class Deadly(toys.PretendEvaluator):
    """Kills its worker once, in a training with a seed that the stream has not."""

    once: str = ""

    def evaluate(self, architecture, epochs=None, seed=0, on_epoch=None):
        if seed not in {slot.seed for slot in SLOTS}:
            with suppress(FileExistsError):
                open(self.once, "x").close()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().evaluate(architecture, epochs, seed, on_epoch)
