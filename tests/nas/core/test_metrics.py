import math
from dataclasses import replace

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


def retrained(noise, networks=300, trainings=2, at_chance=0, **changes):
    """Networks of a space, the first records once each, then all of them again and again."""
    space, rng = BlockSpace(), np.random.default_rng(0)
    made = [space.generate(Draw(rng)) for _ in range(networks)]
    means = rng.uniform(0.4, 0.6, networks)
    means[:at_chance] = 0.1  # and stay there, to the last digit
    noises = np.where(means == 0.1, 0, noise)
    records = [
        Record(made[i], means[i] + rng.normal(0, noises[i]), seed=seed * networks + i, **changes)
        for seed in range(trainings)
        for i in range(networks)
    ]
    return means, Corpus(Header(space.skeleton, space.input, data="digits"), tuple(records))


@pytest.mark.parametrize("noise", [0.005, 0.02])
def test_the_noise_is_measured_by_training_again(noise):
    means, corpus = retrained(noise)
    found = metrics.noise(corpus)
    assert found.networks == 300
    assert found.std == pytest.approx(noise, rel=0.1)
    once = corpus[:300].targets
    assert found.tau == metrics.kendall_tau(once, corpus[300:].targets)
    assert found.ceiling == metrics.noise_ceiling(corpus)
    assert found.ceiling == pytest.approx(metrics.kendall_tau(means, once), abs=0.02)
    assert found.tau < found.ceiling - 0.01


@given(values, st.integers(1, 12))
def test_the_nearest_are_nearer_than_all_others(found, count):
    found = np.sort(found)
    nearest = metrics._nearest(found, count)
    assert nearest.shape == (len(found), min(count, len(found)))
    for place, near in enumerate(nearest):
        assert place in near
        distance = np.abs(found - found[place])
        assert distance[near].max() <= np.delete(distance, near).min(initial=np.inf) + 1e-9


@pytest.mark.parametrize("trainings", [2, 3])
def test_networks_at_chance_have_less_noise_than_others(trainings):
    means, corpus = retrained(0.02, trainings=trainings, at_chance=100)
    found = metrics.noise(corpus)
    oracle = metrics.kendall_tau(means, corpus[:300].targets)
    assert found.ceiling == pytest.approx(oracle, abs=0.02)
    assert found.tau < found.ceiling - 0.01


def test_only_what_was_trained_more_than_once_tells_of_noise():
    _, corpus = retrained(0.01, networks=20, trainings=3)
    assert metrics.repeated(corpus).shape == (20, 3)
    some = corpus.take([*range(20), *range(24, 28), *range(44, 60)])
    assert metrics.repeated(some).shape == (16, 2), "as many trainings as all have"
    assert metrics.repeated(corpus.take([*range(20), 23, 24, 44])).shape == (2, 2)
    assert metrics.noise(corpus[:20]) is None and metrics.noise(corpus[:21]) is None
    seeded_alike = Corpus(corpus.header, (*corpus[:20], *corpus[:20]))
    assert metrics.noise(seeded_alike) is None, "the same training twice"
    unknown = Corpus(corpus.header, tuple(replace(record, seed=None) for record in corpus))
    assert metrics.noise(unknown) is None, "equal networks of a table are no trainings again"


def test_log_likelihood_is_that_of_gaussians():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    target, mean, std = rng.normal(size=9), rng.normal(size=9), rng.uniform(0.1, 2, size=9)
    told = metrics.log_likelihood(target, mean, std)
    assert told == pytest.approx(norm.logpdf(target, mean, std).mean())
    assert np.isnan(metrics.log_likelihood([0.5], [0.5], [0.0]))


def test_coverage_counts_both_ends():
    assert metrics.coverage([1, 2, 3, 4], [1, 0, 4, 0], [9, 2, 9, 3]) == 0.5
