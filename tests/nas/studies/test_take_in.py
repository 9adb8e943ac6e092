from dataclasses import replace

import pytest
import toys
from optuna.trial import TrialState

from nas import Corpus, LearningCurve
from nas.core.errors import InvalidCorpus, InvalidStudy
from nas.core.limits import Limits
from nas.studies import take_in
from nas.studies.owners import Owner
from nas.studies.slots import slots_of
from nas.studies.worker import work


@pytest.fixture(scope="module")
def corpus():
    task, records = toys.task(), []
    for slot in slots_of(task, 5):
        record = task.evaluator.evaluate(slot.architecture, None, slot.seed)
        records.append(replace(record, index=slot.index))
    return Corpus(toys.HEADER, tuple(records))


def take(corpus, storage, task=toys.TASK):
    return take_in(task, corpus, storage=storage, study="toy")


def test_records_become_finished_trials(corpus, storage, toy_study):
    assert take(corpus, storage) == 5
    toys.check_sound(storage, 5)
    trial = toy_study.read()[2]
    assert trial.value == corpus[2].target
    assert list(trial.intermediate_values.values()) == list(corpus[2].curve)
    assert toys.facts(Corpus.from_study(toy_study.study)) == toys.facts(corpus)


def test_collecting_goes_on_from_there(corpus, storage, toy_study):
    take(corpus[1:4], storage)
    assert take(corpus, storage) == 2, "what is there stays"
    assert take(corpus, storage) == 0
    work(toys.task(), toy_study, slots_of(toys.task(), 7), Owner.here())
    assert toys.facts(Corpus.from_study(toy_study.study)) == toys.expected(7)
    toys.check_sound(storage, 7)


def test_stopped_ones_are_taken_and_failed_ones_tried_again(corpus, storage, toy_study):
    pruned = replace(corpus[0], status="pruned", target=None)
    failed = replace(corpus[1], status="failed", target=None, curve=LearningCurve())
    assert take(Corpus(corpus.header, (pruned, failed)), storage) == 1
    assert [t.state for t in toy_study.read()] == [TrialState.PRUNED]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seed": 1}, "trained with seed .* comes from another seed"),
        ({"index": 3}, "of index 3 must be of architecture"),
        ({"index": -5}, "at least 0"),
        ({"index": None}, "of proposal"),
        ({"index": 1}, "of index 1 must be of architecture"),
    ],
)
def test_a_record_of_another_stream_is_refused_and_nothing_added(
    changes, why, corpus, storage, toy_study
):
    wrong = replace(corpus[0], **changes)
    with pytest.raises(InvalidCorpus, match=why) as caught:
        take(Corpus(corpus.header, (*corpus[1:3], wrong)), storage)
    assert "\n" not in str(caught.value)
    assert toy_study.read() == []


def test_a_corpus_with_one_training_twice_is_refused(corpus, storage, toy_study):
    with pytest.raises(InvalidCorpus, match=r"once in a corpus, but that of index 0 comes"):
        take(Corpus(corpus.header, (corpus[0], corpus[0])), storage)
    assert toy_study.read() == []


def test_a_corpus_of_another_recipe_is_refused(corpus, storage):
    other = replace(corpus, header=replace(corpus.header, recipe={"epochs": 9}))
    with pytest.raises(InvalidCorpus) as caught:
        take(other, storage)
    asked = corpus.header.recipe["epochs"]
    assert f"but has recipe.epochs = 9, and asked was {asked}; give" in str(caught.value)
    other = replace(corpus, header=replace(corpus.header, recipe={"epochs": asked, "warm": None}))
    assert take(other, storage) == 5, "what is null is not there"


def test_a_corpus_of_other_limits_is_told_as_such_with_further_trainings_too(corpus, storage):
    again = replace(corpus[0], seed=99)
    other = toys.task(limits=Limits(max_macs=min(record.macs for record in corpus)))
    with pytest.raises(InvalidCorpus, match="from another space or other limits"):
        take(Corpus(corpus.header, (*corpus, again)), storage, other)


def test_a_corpus_of_other_epochs_is_refused(corpus, storage):
    with pytest.raises(InvalidCorpus, match="must have 4 epochs, but has 3"):
        take(corpus, storage, toys.task(epochs=4))


def test_a_study_of_another_task_is_refused(corpus, storage, toy_study):
    with pytest.raises(InvalidStudy, match="evaluator"):
        take(corpus, storage, toys.task(evaluator=toys.Odd()))
