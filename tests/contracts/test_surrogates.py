"""The surrogate contract, for each of ours under cheap settings."""

from dataclasses import replace

import pytest
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import surrogates
from nas.core.errors import InvalidCorpus
from nas.core.interfaces import Query, predict
from nas.testing import SurrogateContract, toy_corpus
from nas.testing.comparison import check_equal
from nas.testing.toy import toy_architectures
from surrogates.last_value import LastValue

SMALL = {"epochs": 3, "hidden": 8, "mlp": 8, "embedding": 3, "epoch_embedding": 3}

BRIEF = {"hidden": 4, "chains": 2, "burn_in": 10, "steps": 20, "keep_every": 5, "batch_size": 4}

# One row for each setting that changes the way through the code.
CHEAP = {
    "Constant": [{}],
    "Peephole": [
        SMALL,
        {**SMALL, "supervision": "curve", "dropout": 0.2},
        {**SMALL, "sequence": "block", "loss": "mse_l1"},
        {**SMALL, "epochs": 1, "code": "extended", "loss": "pairwise", "members": 2},
        {**SMALL, "epochs": 1, "structure": "last_mean", "mlp_layers": 1},
    ],
    "GaussianProcess": [{}, {"warp": False, "features": "basic", "restarts": 1}],
    "RandomForest": [{"trees": 5}, {"trees": 5, "splits": "best", "warp": True}],
    "GradientBoosting": [{"trees": 5}, {"trees": 5, "warp": True, "features": "grams"}],
    "PairwiseLinear": [{}, {"features": "cell", "pairs": 2}],
    "SklearnSurrogate": [
        {"estimator": Ridge()},
        {"estimator": make_pipeline(StandardScaler(), BayesianRidge()), "warp": True},
    ],
    "Ensemble": [
        {"members": [surrogates.GaussianProcess(), surrogates.PairwiseLinear()], "folds": 2},
        {"members": [LastValue(), surrogates.Constant()]},
    ],
    "LastValue": [{}],
    "NuSVR": [{"draws": 2}, {"draws": 3, "kernel": "linear", "averaged": 1, "architecture": False}],
    "BNN": [BRIEF, {**BRIEF, "chains": 1, "architecture": False}],
    "Calibrated": [
        {"surrogate": surrogates.GaussianProcess(features="positions"), "folds": 2},
        {"surrogate": LastValue()},
    ],
}
TABLE = [(name, settings) for name, rows in CHEAP.items() for settings in rows]


def make(row):
    name, settings = row
    return getattr(surrogates, name)(**settings)


@pytest.fixture(params=TABLE, ids=lambda row: f"{row[0]}-{TABLE.index(row)}")
def row(request):
    return request.param


class TestSurrogates(SurrogateContract):
    @pytest.fixture
    def surrogate(self, row):
        return make(row)

    def test_an_empty_corpus_is_refused_in_one_line(self, surrogate):
        with pytest.raises(InvalidCorpus) as refused:
            surrogate.fit(toy_corpus()[:0])
        assert "\n" not in str(refused.value)

    def test_trainings_of_one_network_count_as_their_mean(self, surrogate, row):
        once = toy_corpus(8)
        again = (replace(each, seed=99, target=0.5) for each in once[:4])
        twice = once.merge(replace(once, records=tuple(again)))
        queries = [Query(each) for each in toy_architectures(5, seed=3)]
        said = predict(surrogate.fit(twice), queries)
        check_equal(said, predict(make(row).fit(twice.averaged), queries))


def test_every_public_surrogate_is_in_the_table():
    assert set(CHEAP) == set(surrogates.__all__)
