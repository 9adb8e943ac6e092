import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from nas import Prediction, Query
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.search import ExpectedImprovement, Greedy, ThompsonSampling, UpperConfidenceBound
from nas.testing import toy_corpus
from nas.testing.toy import toy_architectures
from surrogates import GaussianProcess
from surrogates.features import Features
from surrogates.warp import NormalScores

MEAN, STD = np.array([0.5, 0.6, 0.7]), np.array([0.3, 0.0, 0.1])
NEEDY = [UpperConfidenceBound(), ExpectedImprovement(), ThompsonSampling()]
QUANTILES = norm.ppf((np.arange(2001) + 0.5) / 2001)


def test_greedy_is_the_mean():
    assert Greedy().score(Prediction(MEAN), 0.9).tolist() == MEAN.tolist()


def test_the_bound_adds_deviations():
    assert UpperConfidenceBound(2).score(Prediction(MEAN, STD), 0.9) == pytest.approx(
        [1.1, 0.6, 0.9]
    )


def test_improvement_is_what_an_integral_says():
    samples = np.random.default_rng(0).normal(MEAN, STD, size=(200_000, 3))
    expected = np.maximum(samples - 0.65, 0).mean(axis=0)
    said = ExpectedImprovement().score(Prediction(MEAN, STD), 0.65)
    assert said == pytest.approx(expected, abs=1e-3)


def test_improvement_before_any_result_is_the_mean():
    said = ExpectedImprovement().score(Prediction(MEAN, STD), -math.inf)
    assert said.tolist() == MEAN.tolist()


@pytest.mark.parametrize("acquisition", [UpperConfidenceBound(1.5), ExpectedImprovement()])
def test_samples_of_a_gaussian_say_what_its_std_says(acquisition):
    samples = MEAN + QUANTILES[:, None] * STD
    by_samples = acquisition.score(Prediction(MEAN, STD, samples), 0.65)
    assert by_samples == pytest.approx(acquisition.score(Prediction(MEAN, STD), 0.65), abs=2e-3)


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.0, 2.5])
def test_the_bound_of_a_warped_process_lies_as_far_out_as_it_says(beta):
    surrogate = GaussianProcess().fit(toy_corpus(40))
    queries = [Query(architecture) for architecture in toy_architectures(30, seed=3)]
    mean, std = surrogate._answer(
        Features.from_state(surrogate.features_).matrix([q.architecture for q in queries])
    )
    expected = NormalScores(surrogate.knots_).accuracies(mean + beta * std)
    said = UpperConfidenceBound(beta).score(surrogate.predict(queries), 0.5)
    assert said == pytest.approx(expected, abs=2e-3)


def test_lopsided_samples_count_for_more_than_the_std():
    up = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    std = up.std(axis=0)
    scores = UpperConfidenceBound(2).score(Prediction(np.array([0.5, 0.5]), std, up), 0.5)
    assert scores[0] > scores[1]


@pytest.mark.parametrize("with_samples", [False, True])
def test_draws_have_the_predictions_moments(with_samples):
    n = 4000
    mean, std = np.full(n, 0.6), np.full(n, 0.1)
    grid = norm.ppf((np.arange(101) + 0.5) / 101)[:, None]
    samples = mean + grid * std if with_samples else None
    drawn = ThompsonSampling(3).score(Prediction(mean, std, samples), 0.5)
    assert drawn.mean() == pytest.approx(0.6, abs=0.01)
    assert drawn.std() == pytest.approx(0.1, rel=0.05)


def test_a_seed_gives_one_sequence_of_draws():
    prediction = Prediction(MEAN, STD)
    first, second = (ThompsonSampling(1).score(prediction, 0.5) for _ in range(2))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("acquisition", NEEDY, ids=lambda a: type(a).__name__)
def test_without_a_std_the_error_names_what_is_missing(acquisition):
    with pytest.raises(InvalidSurrogate, match=rf"{type(acquisition).__name__} needs .* std"):
        acquisition.score(Prediction(MEAN), 0.5)


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=8),
    st.floats(0, 0.5),
    st.floats(0, 1),
)
def test_scores_are_finite_one_a_network_and_never_fall_with_the_mean(means, std, best):
    mean = np.sort(np.array(means))
    for acquisition in (Greedy(), UpperConfidenceBound(), ExpectedImprovement()):
        said = acquisition.score(Prediction(mean, np.full(len(mean), std)), best)
        assert said.shape == mean.shape
        assert np.isfinite(said).all()
        assert (np.diff(said) >= -1e-12).all()


@pytest.mark.parametrize("beta", [-1, math.nan, math.inf])
def test_beta_is_a_number_of_at_least_0(beta):
    with pytest.raises(InvalidOption, match="beta"):
        UpperConfidenceBound(beta)
