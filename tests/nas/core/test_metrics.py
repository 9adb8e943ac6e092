import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nas.core import metrics

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
