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
    """Fails where means or standard deviations differ by more than the tolerance."""
    np.testing.assert_allclose(first.mean, second.mean, rtol=0, atol=tolerance)
    assert (first.std is None) == (second.std is None)
    if first.std is not None and second.std is not None:
        np.testing.assert_allclose(first.std, second.std, rtol=0, atol=tolerance)


def part(prediction: Prediction, places: Any) -> Prediction:
    """The predictions at these places."""
    std = None if prediction.std is None else prediction.std[places]
    return Prediction(prediction.mean[places], std)
