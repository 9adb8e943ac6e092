"""A setting outside what it may be is told in one line, whatever the surrogate."""

import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from nas.core.errors import InvalidOption
from nas.testing import toy_corpus
from surrogates import (
    BNN,
    Calibrated,
    Constant,
    Ensemble,
    GaussianProcess,
    GradientBoosting,
    NuSVR,
    PairwiseLinear,
    Peephole,
    RandomForest,
    SklearnSurrogate,
)

BAD = [
    (RandomForest(trees=0), "n_estimators"),
    (RandomForest(max_features=0), "max_features"),
    (RandomForest(min_leaf=0), "min_samples_leaf"),
    (RandomForest(splits="x"), "splits must be random or best, but got 'x'"),
    (GradientBoosting(trees=0), "n_estimators"),
    (GradientBoosting(learning_rate=-1), "learning_rate"),
    (GradientBoosting(subsample=2), "subsample"),
    (GradientBoosting(subsample=0), "subsample"),
    (GaussianProcess(restarts=-1), "n_restarts_optimizer"),
    (PairwiseLinear(strength=-1), "C"),
    (PairwiseLinear(pairs=0), "pairs must be at least 1, but got 0"),
    (SklearnSurrogate(Ridge(alpha=-1)), "alpha"),
    (SklearnSurrogate(LogisticRegression()), "continuous"),
    (Peephole(weight_decay=-1), "weight_decay must be at least 0, but got -1"),
    (Peephole(l1=-1), "l1 must be at least 0, but got -1"),
]

SEEDED = [
    BNN,
    GaussianProcess,
    GradientBoosting,
    NuSVR,
    PairwiseLinear,
    Peephole,
    RandomForest,
    lambda seed: Calibrated(Constant(), seed=seed),
    lambda seed: Ensemble([Constant()], seed=seed),
    lambda seed: SklearnSurrogate(Ridge(), seed=seed),
]


@pytest.mark.parametrize(("surrogate", "said"), BAD, ids=lambda each: type(each).__name__)
def test_a_bad_setting_is_one_line(surrogate, said):
    with pytest.raises(InvalidOption, match=said) as refused:
        surrogate.fit(toy_corpus(12))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("make", SEEDED)
@pytest.mark.parametrize("seed", [-1, 0.5])
def test_a_seed_is_a_whole_number_of_at_least_0(make, seed):
    with pytest.raises(InvalidOption, match="seed must be a whole number >= 0"):
        make(seed=seed).fit(toy_corpus(12))
