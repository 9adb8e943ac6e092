"""Targets as normal scores: the n-th best of N becomes the quantile of a standard normal.

Accuracies bunch at the top and trail off below; models with a Gaussian in mind do better on their
ranks, and `accuracies` maps what they predict back, so that means stay accuracies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Keeps the order of predictions where targets are equal; far below any accuracy's resolution.
_SLOPE = 1e-6


@dataclass(frozen=True, eq=False)
class NormalScores:
    """The map between accuracies and normal scores that n targets define.

    Attributes:
        knots: (n,) the targets, ascending.
    """

    knots: np.ndarray

    @classmethod
    def of(cls, targets: np.ndarray) -> NormalScores:
        """The map of these targets (n,), n >= 1."""
        return cls(np.sort(np.asarray(targets, dtype=np.float64)))

    @property
    def quantiles(self) -> np.ndarray:
        """(n,) normal quantiles of the knots: those of (i - 1/2) / n."""
        from scipy.special import ndtri

        n = len(self.knots)
        return np.asarray(ndtri((np.arange(n) + 0.5) / n), dtype=np.float64)

    def scores(self, targets: np.ndarray) -> np.ndarray:
        """Normal scores of accuracies; equal accuracies share the mean score of their ranks."""
        known, ranks, counts = np.unique(self.knots, return_inverse=True, return_counts=True)
        shared = np.bincount(ranks, self.quantiles) / counts
        # The slope of a single step would be without bounds where the best two are all but equal.
        return _through(np.asarray(targets, dtype=np.float64), known, shared, least_steps=3)

    def accuracies(self, scores: np.ndarray) -> np.ndarray:
        """Accuracies of normal scores, strictly increasing."""
        scores = np.asarray(scores, dtype=np.float64)
        return _through(scores, self.quantiles, self.knots) + _SLOPE * scores


def _through(
    x: np.ndarray, known: np.ndarray, values: np.ndarray, least_steps: int = 1
) -> np.ndarray:
    """Straight lines from each (known, value) to the next one.

    Beyond the outermost ones the lines go on with the slope of the outer tenth, of so many steps at
    least.
    """
    tenth = min(max(least_steps, len(known) // 10), len(known) - 1)
    result = np.interp(x, known, values)
    if tenth:
        low = (values[tenth] - values[0]) / (known[tenth] - known[0])
        high = (values[-1] - values[-1 - tenth]) / (known[-1] - known[-1 - tenth])
        result += low * np.minimum(x - known[0], 0.0) + high * np.maximum(x - known[-1], 0.0)
    return np.asarray(result, dtype=np.float64)
