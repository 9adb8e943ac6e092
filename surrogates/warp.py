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
        quantiles = self.quantiles
        low = np.searchsorted(self.knots, targets, side="left")
        high = np.searchsorted(self.knots, targets, side="right")
        total = np.concatenate([[0.0], np.cumsum(quantiles)])
        between = np.interp(targets, self.knots, quantiles)
        shared = (total[high] - total[low]) / np.maximum(high - low, 1)
        return np.asarray(np.where(high > low, shared, between), dtype=np.float64)

    def accuracies(self, scores: np.ndarray) -> np.ndarray:
        """Accuracies of normal scores, strictly increasing; a straight line beyond the targets.

        The line goes on with the slope of the outer tenth of the targets.
        """
        scores = np.asarray(scores, dtype=np.float64)
        n, quantiles = len(self.knots), self.quantiles
        tenth = min(max(1, n // 10), n - 1)
        inside = np.interp(scores, quantiles, self.knots)
        if tenth:
            rise = self.knots[tenth] - self.knots[0], self.knots[-1] - self.knots[-1 - tenth]
            run = quantiles[tenth] - quantiles[0]
            inside += rise[0] / run * np.minimum(scores - quantiles[0], 0.0)
            inside += rise[1] / run * np.maximum(scores - quantiles[-1], 0.0)
        return np.asarray(inside + _SLOPE * scores, dtype=np.float64)
