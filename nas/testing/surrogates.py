"""What every surrogate keeps to."""

# ruff: noqa: D102 - a test says by its name what it checks

from __future__ import annotations

import copy
import inspect
import pickle
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas.core.corpus import Corpus
from nas.core.errors import InvalidSurrogate, NasError
from nas.core.interfaces import Prediction, Query, Surrogate, predict
from nas.core.records import LearningCurve
from nas.testing.comparison import check_equal, part, same
from nas.testing.toy import toy_architectures, toy_corpus


class _AnotherClass(Surrogate):
    """Some other class, to load as."""

    def fit(self, corpus: Corpus) -> _AnotherClass:
        return self

    def predict(self, queries: Any) -> Prediction:
        return Prediction(np.zeros(len(queries)))


class SurrogateContract:
    """Checks of a surrogate; override the fixture `surrogate`.

    Two more fixtures may be overridden: `corpus`, if it must not be the toy one, and `queries`.
    """

    @pytest.fixture
    def surrogate(self) -> Surrogate:
        """A fresh unfitted instance with settings that make its fit cheap."""
        raise NotImplementedError("override the fixture 'surrogate': return a fresh instance")

    @pytest.fixture
    def corpus(self) -> Corpus:
        """What is fitted to: 24 toy networks with curves of 6 epochs, one of them diverged."""
        return toy_corpus()

    @pytest.fixture
    def queries(self) -> list[Query]:
        """What is asked: 12 toy networks, most of them new."""
        return [Query(each) for each in toy_architectures(12, seed=7)]

    @pytest.fixture
    def fitted(self, surrogate: Surrogate, corpus: Corpus) -> Surrogate:
        """The surrogate, fitted."""
        return surrogate.fit(corpus)

    def test_constructor_stores_its_arguments(self, surrogate: Surrogate) -> None:
        for name, parameter in _parameters(surrogate).items():
            assert parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            assert hasattr(surrogate, name), f"the constructor must set self.{name}"

    def test_fit_returns_self(self, surrogate: Surrogate, corpus: Corpus) -> None:
        assert surrogate.fit(corpus) is surrogate

    def test_predicts_one_finite_number_a_query(
        self, fitted: Surrogate, queries: list[Query]
    ) -> None:
        # `predict` checks shapes, that all is finite, and std >= 0.
        assert len(predict(fitted, queries)) == len(queries)
        assert len(predict(fitted, queries[:1])) == 1

    def test_intervals_contain_each_other(self, fitted: Surrogate, queries: list[Query]) -> None:
        said = predict(fitted, queries)
        if said.std is None and said.samples is None:
            pytest.skip("gives a mean only")
        low, high = said.interval(0.9)
        inner_low, inner_high = said.interval(0.5)
        assert (low <= inner_low).all()
        assert (inner_low <= inner_high).all()
        assert (inner_high <= high).all()

    def test_answers_do_not_depend_on_their_batch(
        self, fitted: Surrogate, queries: list[Query]
    ) -> None:
        many = [*queries, *(Query(each) for each in toy_architectures(300, seed=3))]
        together = predict(fitted, many)
        for place in range(len(queries)):
            check_equal(predict(fitted, [many[place]]), part(together, [place]))

    def test_answers_follow_the_order_of_queries(
        self, fitted: Surrogate, queries: list[Query]
    ) -> None:
        order = np.random.default_rng(0).permutation(len(queries))
        shuffled = predict(fitted, [queries[i] for i in order])
        check_equal(shuffled, part(predict(fitted, queries), order))

    def test_predicting_twice_gives_the_same(self, fitted: Surrogate, queries: list[Query]) -> None:
        check_equal(predict(fitted, queries), predict(fitted, queries), 0.0)

    def test_fitting_again_gives_the_same(
        self, surrogate: Surrogate, corpus: Corpus, queries: list[Query]
    ) -> None:
        twin = copy.deepcopy(surrogate)
        first = predict(surrogate.fit(corpus), queries)
        check_equal(first, predict(twin.fit(corpus), queries), 1e-6)

    def test_a_second_fit_starts_afresh(
        self, surrogate: Surrogate, corpus: Corpus, queries: list[Query]
    ) -> None:
        twin = copy.deepcopy(surrogate)
        surrogate.fit(toy_corpus(10, seed=9))
        predict(surrogate, queries)  # whatever this builds must not outlive the second fit
        again = predict(surrogate.fit(corpus), queries)
        check_equal(again, predict(twin.fit(corpus), queries), 1e-6)

    def test_fit_changes_neither_corpus_nor_arguments(
        self, surrogate: Surrogate, corpus: Corpus
    ) -> None:
        before, arguments = copy.deepcopy(corpus), copy.deepcopy(_arguments(surrogate))
        surrogate.fit(corpus)
        assert same(before.records, corpus.records)
        assert same(arguments, _arguments(surrogate))

    @pytest.mark.parametrize("networks", [2, 3, 5])
    def test_fits_to_a_few_networks(
        self, surrogate: Surrogate, queries: list[Query], networks: int
    ) -> None:
        predict(surrogate.fit(toy_corpus(networks)), queries)

    def test_equal_targets_are_no_trouble(self, surrogate: Surrogate, queries: list[Query]) -> None:
        equal = LearningCurve((0.2, 0.5, 0.5, 0.5, 0.5, 0.5))
        records = (replace(record, target=0.5, curve=equal) for record in toy_corpus(6))
        said = predict(surrogate.fit(replace(toy_corpus(6), records=tuple(records))), queries)
        assert np.isfinite(said.mean).all()

    def test_several_trainings_of_a_network_are_no_trouble(
        self, surrogate: Surrogate, queries: list[Query]
    ) -> None:
        twice = toy_corpus(6)
        again = tuple(replace(record, seed=99, target=0.5) for record in twice)
        said = predict(surrogate.fit(twice.merge(replace(twice, records=again))), queries)
        assert np.isfinite(said.mean).all()

    def test_a_corpus_without_curves_is_fitted_to_or_refused(
        self, surrogate: Surrogate, queries: list[Query]
    ) -> None:
        try:
            surrogate.fit(toy_corpus(epochs=0))
        except NasError as error:
            assert "curve" in str(error)
            return
        predict(surrogate, queries)

    @pytest.mark.parametrize("epochs", [0, 1, 3])
    def test_reads_curves_only_if_it_says_so(
        self, fitted: Surrogate, queries: list[Query], epochs: int
    ) -> None:
        observed = tuple(0.1 + 0.05 * epoch for epoch in range(epochs))
        said = predict(fitted, [Query(q.architecture, observed=observed) for q in queries])
        if not fitted.reads_curves:
            check_equal(said, predict(fitted, queries), 0.0)

    def test_prefixes_of_different_length_in_one_call(
        self, fitted: Surrogate, queries: list[Query]
    ) -> None:
        mixed = [
            Query(q.architecture, observed=(0.1, 0.2, 0.3)[: place % 4])
            for place, q in enumerate(queries)
        ]
        together = predict(fitted, mixed)
        check_equal(predict(fitted, mixed[2:3]), part(together, [2]))

    def test_saved_and_loaded_it_says_the_same(
        self, fitted: Surrogate, queries: list[Query], tmp_path: Path
    ) -> None:
        package = type(fitted).__module__.partition(".")[0]
        fitted.save(tmp_path / "saved")
        loaded = Surrogate.load(tmp_path / "saved", trust=[package])
        assert type(loaded) is type(fitted)
        assert same(_arguments(fitted), _arguments(loaded))
        check_equal(predict(fitted, queries), predict(loaded, queries), 1e-6)

    def test_it_is_not_loaded_as_another_class(self, fitted: Surrogate, tmp_path: Path) -> None:
        package = type(fitted).__module__.partition(".")[0]
        fitted.save(tmp_path / "saved")
        with pytest.raises(InvalidSurrogate):
            _AnotherClass.load(tmp_path / "saved", trust=[package])

    def test_an_unfitted_one_can_be_saved(self, surrogate: Surrogate, tmp_path: Path) -> None:
        package = type(surrogate).__module__.partition(".")[0]
        surrogate.save(tmp_path / "saved")
        loaded = type(surrogate).load(tmp_path / "saved", trust=[package])
        assert same(_arguments(surrogate), _arguments(loaded))

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
    def test_a_copy_says_the_same(
        self, fitted: Surrogate, queries: list[Query], copied: Any
    ) -> None:
        said = predict(fitted, queries)
        check_equal(said, predict(copied(fitted), queries), 1e-6)

    def test_unfitted_it_does_not_predict(self, surrogate: Surrogate, queries: list[Query]) -> None:
        with pytest.raises((NasError, AttributeError)):
            surrogate.predict(queries)

    def test_global_random_numbers_stay_as_they_are(
        self, surrogate: Surrogate, corpus: Corpus, queries: list[Query]
    ) -> None:
        before = _global_random_state()
        predict(surrogate.fit(corpus), queries)
        after = _global_random_state()
        assert all(np.array_equal(before[name], after[name]) for name in before)


def _parameters(surrogate: Surrogate) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(type(surrogate)).parameters)


def _arguments(surrogate: Surrogate) -> dict[str, Any]:
    return {name: getattr(surrogate, name) for name in _parameters(surrogate)}


def _global_random_state() -> dict[str, Any]:
    legacy: Any = np.random.get_state()
    state = {"random": np.array(random.getstate()[1]), "numpy": np.append(legacy[1], legacy[2])}
    if "torch" in sys.modules:
        state["torch"] = sys.modules["torch"].get_rng_state().numpy().copy()
    return state
