"""The surrogates on features: what each promises beyond the contract."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import ExtraTreeRegressor

from nas.core.architecture import Architecture
from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Query, Surrogate, predict
from nas.core.metrics import kendall_tau, r2
from nas.testing.toy import toy_architectures, toy_corpus
from surrogates import (
    Calibrated,
    Constant,
    Ensemble,
    GaussianProcess,
    GradientBoosting,
    PairwiseLinear,
    RandomForest,
    SklearnSurrogate,
)

NEW = [Query(each) for each in toy_architectures(80, seed=5)]


@pytest.fixture(scope="module")
def corpus():
    return toy_corpus(60)


@pytest.fixture(scope="module")
def truth():
    return toy_corpus(80, seed=5).targets


ALL = [
    GaussianProcess(),
    GaussianProcess(warp=False, restarts=1),
    RandomForest(trees=50),
    RandomForest(trees=50, splits="best", warp=True),
    GradientBoosting(trees=100),
    GradientBoosting(trees=100, warp=True, features="grams"),
    PairwiseLinear(),
    SklearnSurrogate(make_pipeline(StandardScaler(), Ridge())),
    Ensemble([GaussianProcess(), PairwiseLinear(), Constant()]),
    Calibrated(PairwiseLinear()),
]


@pytest.mark.parametrize("surrogate", ALL, ids=lambda s: type(s).__name__)
def test_it_learns(surrogate, corpus, truth):
    said = predict(surrogate.fit(corpus), NEW)
    assert kendall_tau(truth, said.mean) > 0.6
    assert r2(truth, said.mean) > 0.4


@pytest.mark.parametrize("surrogate", ALL, ids=lambda s: type(s).__name__)
def test_it_takes_one_network_and_no_queries(surrogate):
    surrogate.fit(toy_corpus(1))
    assert len(predict(surrogate, [])) == 0
    assert np.isfinite(predict(surrogate, NEW[:3]).mean).all()


@pytest.mark.parametrize("surrogate", ALL, ids=lambda s: type(s).__name__)
def test_nothing_to_fit_is_one_line(surrogate, corpus):
    with pytest.raises(InvalidCorpus, match="at least one finished network") as refused:
        surrogate.fit(corpus[:0])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("surrogate", ALL, ids=lambda s: type(s).__name__)
def test_means_are_accuracies(surrogate, corpus):
    mean = predict(surrogate.fit(corpus), NEW).mean
    assert mean.min() > corpus.targets.min() - 0.2
    assert mean.max() < corpus.targets.max() + 0.2


def test_warped_ones_stay_between_the_accuracies_for_the_most_part(corpus):
    said = predict(GaussianProcess().fit(corpus), NEW).mean
    inside = (said >= corpus.targets.min()) & (said <= corpus.targets.max())
    assert inside.mean() > 0.9


def test_a_seed_is_a_seed(corpus):
    for make in (RandomForest, GradientBoosting, PairwiseLinear):
        settings = {"trees": 10} if make is not PairwiseLinear else {"pairs": 2}
        first, second, other = (
            predict(make(**settings, seed=seed).fit(corpus), NEW).mean for seed in (0, 0, 1)
        )
        assert (first == second).all()
        assert not (first == other).all()


def test_a_gaussian_process_knows_where_it_knows_little(corpus):
    model = GaussianProcess(warp=False).fit(corpus)
    near = predict(model, [Query(r.architecture) for r in corpus]).std
    layers = NEW[0].architecture.blocks[0] * 12
    far = Architecture((layers,), NEW[0].architecture.skeleton, NEW[0].architecture.input)
    assert predict(model, [Query(far)]).std[0] > 2 * near.mean()


@pytest.mark.parametrize("splits", ["random", "best"])
def test_trees_that_agree_are_not_certain(corpus, splits):
    """About a training network all trees agree, to the last digit where there is no bootstrap."""
    model = RandomForest(trees=20, splits=splits).fit(corpus)
    known = predict(model, [Query(record.architecture) for record in corpus])
    left_out = np.abs(predict(model, NEW).mean - toy_corpus(80, seed=5).targets).mean()
    assert 0.1 * left_out < known.std.min() < left_out


@pytest.mark.parametrize("surrogate", [GaussianProcess(), PairwiseLinear()], ids=["gp", "linear"])
def test_equal_accuracies_make_nobody_certain(corpus, surrogate):
    """Half of the networks learnt nothing: all scores about theirs are one accuracy."""
    middle = float(np.median(corpus.targets))
    low = corpus.filter(lambda record: record.target < middle)
    failed = tuple(replace(record, target=0.1) for record in low)
    rest = corpus.filter(lambda record: record.target >= middle)
    surrogate.fit(Corpus(corpus.header, failed + rest.records))
    said = predict(surrogate, [Query(record.architecture) for record in low])
    assert said.std.min() > 0.01


def test_boosting_gives_no_std(corpus):
    assert predict(GradientBoosting(trees=5).fit(corpus), NEW).std is None


def test_an_estimator_stays_as_it_is_and_gets_the_seed(corpus):
    tree = ExtraTreeRegressor()
    surrogate = SklearnSurrogate(make_pipeline(tree), seed=3).fit(corpus)
    assert tree.random_state is None
    assert not hasattr(tree, "tree_")
    assert surrogate.model_[-1].random_state == 3
    assert SklearnSurrogate(ExtraTreeRegressor(random_state=1)).fit(corpus).model_.random_state == 1


@pytest.mark.parametrize("piped", [False, True])
def test_std_comes_from_estimators_that_have_one(corpus, piped):
    model = GaussianProcessRegressor(alpha=0.1)
    said = predict(SklearnSurrogate(make_pipeline(model) if piped else model).fit(corpus), NEW)
    assert said.std is not None
    assert predict(SklearnSurrogate(Ridge()).fit(corpus), NEW).std is None


def test_the_command_line_builds_estimators_and_members():
    from jsonargparse import ArgumentParser

    def function(surrogate: Surrogate) -> None: ...

    parser = ArgumentParser(exit_on_error=False)
    parser.add_function_arguments(function)
    ridge = {"class_path": "sklearn.linear_model.Ridge", "init_args": {"alpha": 2.0}}
    inner = {"class_path": "surrogates.SklearnSurrogate", "init_args": {"estimator": ridge}}
    members = [inner, {"class_path": "surrogates.GaussianProcess"}]
    given = {
        "class_path": "surrogates.Calibrated",
        "init_args": {
            "surrogate": {"class_path": "surrogates.Ensemble", "init_args": {"members": members}}
        },
    }
    config = parser.parse_args([f"--surrogate={json.dumps(given)}"])
    made = parser.instantiate(config).surrogate
    first, second = made.surrogate.members
    assert isinstance(first, SklearnSurrogate)
    assert isinstance(first.estimator, Ridge)
    assert first.estimator.alpha == 2.0
    assert isinstance(second, GaussianProcess)


def test_bad_features_are_refused(corpus):
    with pytest.raises(InvalidOption, match="features must be one of"):
        GaussianProcess(features="colour").fit(corpus)
