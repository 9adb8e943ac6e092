import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from surrogates.warp import NormalScores

targets = hnp.arrays(
    np.float64,
    st.integers(1, 30),
    elements=st.floats(0, 1, allow_subnormal=False).map(lambda x: round(x, 3)),
)


@given(targets)
def test_scores_keep_the_order_and_share_ties(values):
    scores = NormalScores.of(values).scores(values)
    for i in range(len(values)):
        for j in range(len(values)):
            assert np.sign(round(scores[i] - scores[j], 12)) == np.sign(values[i] - values[j])


@given(targets)
def test_accuracies_rise_with_scores(values):
    accuracies = NormalScores.of(values).accuracies(np.linspace(-4, 4, 50))
    assert (np.diff(accuracies) > 0).all()


@given(hnp.arrays(np.float64, st.integers(1, 30), unique=True, elements=st.floats(0, 1, width=32)))
def test_there_and_back(values):
    normal = NormalScores.of(values)
    np.testing.assert_allclose(normal.accuracies(normal.scores(values)), values, atol=1e-5)


def test_new_accuracies_stand_between_known_ones():
    normal = NormalScores.of(np.array([0.1, 0.5, 0.9]))
    low, middle, high = normal.scores(np.array([0.1, 0.3, 0.5]))
    assert low < middle < high == 0.0


def test_two_that_are_all_but_equal_do_not_set_the_slope_beyond():
    close = NormalScores.of(np.array([*np.linspace(0.3, 0.6, 14), 0.6 + 1e-9]))
    assert close.scores(np.array([0.62]))[0] < close.quantiles[-1] + 2


def test_beyond_the_best_the_line_goes_on():
    normal = NormalScores.of(np.linspace(0.5, 0.7, 100))
    best, beyond = normal.accuracies(np.array([normal.quantiles[-1], normal.quantiles[-1] + 0.5]))
    assert 0.7 < beyond < 0.72
    assert abs(best - 0.7) < 1e-5
