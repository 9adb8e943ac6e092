import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nas import Corpus, Header, Record
from nas.core import metrics
from nas.core.choices import Draw
from search_spaces import BlockSpace

values = arrays(float, st.integers(2, 30), elements=st.floats(0, 1).map(lambda x: round(x, 3)))


@given(values, st.integers(0, 999))
def test_tau_counts_pairs(target, seed):
    predicted = np.random.default_rng(seed).permutation(target)
    a, b = (np.sign(x[:, None] - x[None, :]) for x in (target, predicted))
    ties = math.sqrt((a**2).sum() * (b**2).sum())
    expected = (a * b).sum() / ties if ties else 0.0
    assert metrics.kendall_tau(target, predicted) == pytest.approx(expected)


@given(values)
def test_a_perfect_and_a_constant_prediction(target):
    assert metrics.mse(target, target) == 0
    mean = np.full_like(target, target.mean())
    assert metrics.kendall_tau(target, mean) == 0
    if np.var(target) > 1e-12:
        assert metrics.r2(target, target) == 1
        assert metrics.r2(target, mean) == pytest.approx(0, abs=1e-9)
        assert metrics.r2(target, mean) == pytest.approx(
            1 - metrics.mse(target, mean) / np.var(target)
        )


def test_by_hand():
    assert metrics.mse([0, 1], [0.5, 1]) == 0.125
    assert metrics.mae([0, 1], [0.5, 1]) == 0.25
    assert math.isnan(metrics.r2([1, 1], [0, 1]))


@given(values, st.integers(0, 999))
def test_spearman_is_the_correlation_of_ranks(target, seed):
    from scipy.stats import spearmanr

    predicted = np.random.default_rng(seed).permutation(target)
    constant = np.ptp(target) == 0
    expected = 0.0 if constant else spearmanr(target, predicted).statistic
    assert metrics.spearman(target, predicted) == pytest.approx(expected)


def test_regret_is_what_the_chosen_fall_short_of_the_best():
    target = [0.9, 0.8, 0.7, 0.6]
    assert metrics.top_regret(target, [0, 1, 2, 3], 1) == pytest.approx(0.3)
    assert metrics.top_regret(target, [0, 1, 2, 3], 3) == pytest.approx(0.1)
    assert metrics.top_regret(target, target, 1) == 0


def test_the_noise_ceiling_falls_with_the_noise():
    space, rng = BlockSpace(), np.random.default_rng(0)

    def ceiling(noise, trainings=3):
        means = rng.uniform(0.4, 0.6, 200)
        runs = means[:, None] + rng.normal(0, noise, (200, trainings))
        header = Header(space.skeleton, space.input, data="digits")
        network = space.generate(Draw(rng))
        records = (Record(network, float(r.mean()), repeats=tuple(r)) for r in runs)
        return metrics.noise_ceiling(Corpus(header, tuple(records)))

    assert ceiling(1e-9) == pytest.approx(1)
    assert 0.9 < ceiling(0.005) < 1
    assert ceiling(0.05) < 0.75
    assert ceiling(0.01, trainings=1) is None


def test_log_likelihood_is_that_of_gaussians():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    target, mean, std = rng.normal(size=9), rng.normal(size=9), rng.uniform(0.1, 2, size=9)
    told = metrics.log_likelihood(target, mean, std)
    assert told == pytest.approx(norm.logpdf(target, mean, std).mean())
    assert np.isnan(metrics.log_likelihood([0.5], [0.5], [0.0]))


def test_coverage_counts_both_ends():
    assert metrics.coverage([1, 2, 3, 4], [1, 0, 4, 0], [9, 2, 9, 3]) == 0.5
