"""Equality of objects that do not define it, and of predictions up to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas.core.interfaces import Prediction

TOLERANCE = 1e-5


def same(first: Any, second: Any) -> bool:
    """True where both have one type and equal contents, arrays and own attributes included."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    defines_no_equality = "__eq__" not in {
        name for c in type(first).__mro__[:-1] for name in vars(c)
    }
    if defines_no_equality and hasattr(first, "__dict__"):
        return same(vars(first), vars(second))
    return bool(first == second)


def check_equal(first: Prediction, second: Prediction, tolerance: float = TOLERANCE) -> None:
    """Fails where means, standard deviations or samples differ by more than the tolerance."""
    for name in ("mean", "std", "samples"):
        mine, other = getattr(first, name), getattr(second, name)
        assert (mine is None) == (other is None), f"only one prediction has {name}"
        if mine is not None:
            np.testing.assert_allclose(mine, other, rtol=0, atol=tolerance)


def part(prediction: Prediction, places: Any) -> Prediction:
    """The predictions at these places."""
    std, samples = prediction.std, prediction.samples
    return Prediction(
        prediction.mean[places],
        None if std is None else std[places],
        None if samples is None else samples[:, places],
    )
