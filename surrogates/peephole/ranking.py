"""From raw scores of the members to accuracies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from surrogates.warp import NormalScores

_LEAST_SLOPE = 0.05  # keeps the order of scores that said nothing about left-out networks


@dataclass(frozen=True)
class Standardised:
    """Scores of networks that were trained on standardised accuracies.

    Attributes:
        mean: of the training targets.
        std: of the training targets; 1 where they do not vary.
    """

    mean: float
    std: float

    @classmethod
    def of(cls, targets: np.ndarray) -> Self:
        """That of some targets; NaN ones do not count."""
        std = float(np.nanstd(targets))
        return cls(float(np.nanmean(targets)), std if std > 0 else 1.0)

    def accuracies(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, each (n,), of the members' scores (m, n)."""
        scaled = self.mean + self.std * scores
        return scaled.mean(axis=0), _spread(scaled)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Ranking scores, mapped to accuracies on networks that were left out of a fit.

    A score, standardised over the training networks, becomes a normal score among those of the
    left-out networks, is shrunk as far as these were misjudged, and is read as a normal score of
    the training targets.

    Attributes:
        shifts: (m,) mean score of each member over the training networks.
        spreads: (m,) their standard deviations.
        left_out: (n,) standardised scores of left-out networks, ascending.
        slope: of the targets' normal scores over theirs.
        knots: (n,) training targets, ascending.
    """

    shifts: np.ndarray
    spreads: np.ndarray
    left_out: np.ndarray
    slope: float
    knots: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, targets: np.ndarray, left_out: np.ndarray) -> Self:
        """That of n training networks.

        Args:
            scores: (m, n) of each member for the networks that it was trained on.
            targets: (n,) accuracies.
            left_out: (n,) standardised scores from fits that did not see the network.
        """
        spreads = scores.std(axis=1)
        spreads = np.where(spreads > 0, spreads, 1.0)
        theirs, real = NormalScores.of(left_out), NormalScores.of(targets)
        slope = _slope(theirs.scores(left_out), real.scores(targets))
        return cls(scores.mean(axis=1), spreads, theirs.knots, slope, real.knots)

    def accuracies(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, each (n,), of the members' scores (m, n)."""
        standard = (scores - self.shifts[:, None]) / self.spreads[:, None]
        # The mean is taken of scores, not of accuracies: the order of the ensemble is theirs.
        middle, spread = standard.mean(axis=0), _spread(standard)
        low, mean, high = map(self._accuracy, (middle - spread, middle, middle + spread))
        return mean, (high - low) / 2

    def _accuracy(self, standard: np.ndarray) -> np.ndarray:
        normal = NormalScores(self.left_out).scores(standard)
        return NormalScores(self.knots).accuracies(self.slope * normal)


Scale = Standardised | Calibrated


def to_state(scale: Scale) -> dict[str, Any]:
    """The scale as plain values."""
    return asdict(scale)


def from_state(state: Mapping[str, Any]) -> Scale:
    """The scale that `to_state` described."""
    return Calibrated(**state) if "knots" in state else Standardised(**state)


def _spread(scores: np.ndarray) -> np.ndarray:
    return scores.std(axis=0, ddof=1) if len(scores) > 1 else np.zeros(scores.shape[1])


def _slope(scores: np.ndarray, normal: np.ndarray) -> float:
    """Least squares through the origin."""
    energy = float(scores @ scores)
    return max(float(scores @ normal) / energy, _LEAST_SLOPE) if energy > 0 else 1.0
