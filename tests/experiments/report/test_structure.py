"""The map of structural features, and the test of its neighbours."""

import numpy as np
import pytest

from experiments.report.structure import neighbour_test, structure_map

RNG = np.random.default_rng(0)


def test_neighbours_with_nearer_values_are_noticed():
    places = RNG.normal(size=(200, 2))
    found = neighbour_test(places, places[:, 0] + RNG.normal(0, 0.1, 200))
    assert found.p_value == pytest.approx(1 / 1000)
    assert found.neighbours < 0.5 * found.pairs


def test_values_by_chance_give_no_small_p_value():
    places = RNG.normal(size=(60, 2))
    p_values = [neighbour_test(places, RNG.normal(size=60), seed).p_value for seed in range(12)]
    assert 0.2 < np.mean(p_values) < 0.8


def test_pairs_are_all_pairs_of_different_points():
    places = np.column_stack([np.arange(7.0), np.zeros(7)])
    values = np.arange(7.0) ** 2
    pairs = [abs(a - b) for i, a in enumerate(values) for b in values[:i]]
    assert neighbour_test(places, values).pairs == pytest.approx(np.mean(pairs))


def test_a_point_is_no_neighbour_of_itself():
    """Values equal to the places on a line: the five nearest of six are all the others."""
    values = np.array([0.0, 1, 2, 3, 4, 5])
    found = neighbour_test(np.column_stack([values, values]), values)
    assert found.neighbours == pytest.approx(found.pairs)
    assert found.p_value == 1


def test_equal_values_are_no_evidence():
    found = neighbour_test(RNG.normal(size=(20, 2)), np.full(20, 0.5))
    assert (found.neighbours, found.pairs, found.p_value) == (0, 0, 1)


def test_a_map_keeps_neighbours_and_is_reproducible():
    features = np.concatenate([RNG.normal(c, 0.1, size=(15, 6)) for c in (0, 3)])
    places = structure_map(features)
    assert places.shape == (30, 2)
    np.testing.assert_array_equal(places, structure_map(features))
    assert neighbour_test(places, np.repeat([0.0, 1.0], 15)).p_value < 0.01
