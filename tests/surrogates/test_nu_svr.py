from dataclasses import replace

import numpy as np
import pytest

from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Query
from nas.core.metrics import r2
from nas.testing import toy_corpus
from surrogates import NuSVR


@pytest.fixture(scope="module")
def corpora():
    return toy_corpus(60).split(40)


def queries_of(corpus, k, **more):
    return [Query(r.architecture, observed=r.curve.values[:k], **more) for r in corpus]


def complete(corpus):
    return corpus.filter(lambda record: record.status == "complete")


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_early_accuracies_tell_the_last(corpora, kernel):
    train, test = map(complete, corpora)
    model = NuSVR(kernel=kernel, draws=30).fit(train)
    said = model.predict(queries_of(test, 4))
    assert r2(test.targets, said.mean) > 0.9
    errors = np.abs(said.mean - test.targets) / said.std
    assert 0.25 < np.mean(errors < 0.674) < 0.85
    assert np.mean(errors < 1.645) > 0.75


def test_machines_are_made_when_first_asked_for_and_kept(corpora):
    train, test = corpora
    model = NuSVR(draws=3).fit(train)
    assert not model.machines_
    model.predict(queries_of(test[:2], 1))
    made = dict(model.machines_)
    model.predict(queries_of(test[:2], 1))
    assert {name: id(machine) for name, machine in model.machines_.items()} == {
        name: id(machine) for name, machine in made.items()
    }


def test_a_machine_does_not_depend_on_what_was_asked_before(corpora):
    train, test = corpora
    first, second = NuSVR(draws=3).fit(train), NuSVR(draws=3).fit(train)
    first.predict(queries_of(test, 3))
    second.predict(queries_of(test, 1))
    asked = queries_of(complete(test), 2)
    np.testing.assert_array_equal(first.predict(asked).mean, second.predict(asked).mean)


def test_a_loaded_one_makes_machines_that_it_was_not_saved_with(corpora, tmp_path):
    train, test = corpora
    model = NuSVR(draws=3).fit(train)
    model.predict(queries_of(test[:1], 1))
    model.save(tmp_path)
    loaded = NuSVR.load(tmp_path)
    for k in (1, 2):
        asked = queries_of(complete(test), k)
        np.testing.assert_array_equal(model.predict(asked).mean, loaded.predict(asked).mean)


def test_hyperparameters_are_read_where_they_are_named(corpora):
    train, test = corpora
    rates = np.random.default_rng(0).uniform(0.1, 0.9, len(train))
    told = [
        replace(record, target=float(rate), hyperparameters={"lr": float(rate)})
        for record, rate in zip(train, rates, strict=True)
    ]
    model = NuSVR(hyperparameters=["lr"], draws=60).fit(Corpus(train.header, tuple(told)))
    low, high = (Query(test[0].architecture, hyperparameters={"lr": lr}) for lr in (0.2, 0.8))
    said = model.predict([low, high]).mean
    assert said[1] - said[0] > 0.2
    with pytest.raises(InvalidOption, match="lr"):
        model.predict([Query(test[0].architecture)])


@pytest.mark.parametrize("settings", [{"kernel": "poly"}, {"draws": 0}, {"averaged": 0}])
def test_bad_settings_are_refused(corpora, settings):
    with pytest.raises(InvalidOption, match=next(iter(settings))):
        NuSVR(**settings).fit(corpora[0])


def test_a_longer_prefix_than_the_curves_is_refused(corpora):
    train, test = corpora
    with pytest.raises(InvalidOption, match="at most 6"):
        NuSVR(draws=1).fit(train).predict([Query(test[0].architecture, observed=(0.1,) * 7)])


def test_curves_are_needed():
    with pytest.raises(InvalidCorpus, match="learning curve"):
        NuSVR().fit(toy_corpus(epochs=0))
