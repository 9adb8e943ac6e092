"""A linear ranking: which of two networks is better is a logistic regression on their difference.

Its scores order networks. They become normal scores of accuracies by a slope that is measured on
networks left out of a fit, and so accuracies; an isotonic regression on these explains less.
"""

from __future__ import annotations

import numpy as np

from nas.core.errors import InvalidOption
from surrogates.cross_fitting import folds
from surrogates.features import FeatureName
from surrogates.standard import Standard
from surrogates.tabular import Answer, TabularSurrogate

FOLDS = 5  # of the cross-fitting that calibrates the scores
_LEAST_SLOPE = 0.05  # keeps the order of scores that said nothing about left-out networks


class PairwiseLinear(TabularSurrogate):
    """Logistic regression without intercept on feature differences of random pairs.

    Args:
        features: the set of features; see `surrogates.features.Features`.
        pairs: random pairs a network; all pairs where there are no more.
        strength: of the data against the L2 penalty on the weights: the C of scikit-learn, a pair
            counted as 1 / (number of pairs).
        seed: of the pairs and the folds.
    """

    # Ranks are all that a ranking uses, and its scores are mapped back through normal scores.
    warp = True

    def __init__(
        self,
        features: FeatureName = "auto",
        pairs: int = 50,
        strength: float = 100.0,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.pairs = pairs
        self.strength = strength
        self.seed = seed

    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        if self.pairs < 1:
            raise InvalidOption(f"pairs must be at least 1, but got {self.pairs}")
        scale = Standard.of(x)
        self.center_, self.scale_ = scale.mean, scale.std
        standard = scale(x)
        weights = self._weights(standard, y)
        # Scores of the training networks have a mean of zero, as their features have.
        self.weights_ = weights / _spread(standard @ weights)
        self.slope_, self.std_ = _calibration(self._left_out(standard, y), y)

    def _answer(self, x: np.ndarray) -> Answer:
        scores = Standard(self.center_, self.scale_)(x) @ self.weights_
        return self.slope_ * scores, np.full(len(x), self.std_)

    def _left_out(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Standardised scores (n,) from fits that did not see the network; 0 if there are none."""
        scores = np.zeros(len(x))
        for held in folds(len(x), FOLDS, self.seed):
            kept = np.setdiff1d(np.arange(len(x)), held)
            weights = self._weights(x[kept], y[kept])
            seen = x[kept] @ weights
            scores[held] = (x[held] @ weights - seen.mean()) / _spread(seen)
        return scores

    def _weights(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Weights (d,) of the ranking; zeros where no network is better than another."""
        from sklearn.linear_model import LogisticRegression

        better, worse = self._pairs(y)
        if not len(better):
            return np.zeros(x.shape[1])
        # Each pair stands in both orders, so that there are two classes.
        gaps = np.concatenate([x[better] - x[worse], x[worse] - x[better]])
        won = np.repeat([1, 0], len(better))
        model = LogisticRegression(C=self.strength / len(gaps), fit_intercept=False, max_iter=1000)
        return np.asarray(model.fit(gaps, won).coef_[0], dtype=np.float64)

    def _pairs(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the better and the worse network of random pairs of different targets."""
        n = len(y)
        first, second = np.triu_indices(n, 1)
        most = self.pairs * n
        if len(first) > most:
            chosen = np.random.default_rng(self.seed).choice(len(first), most, replace=False)
            first, second = first[chosen], second[chosen]
        differ = y[first] != y[second]
        first, second = first[differ], second[differ]
        up = y[first] > y[second]
        return np.where(up, first, second), np.where(up, second, first)


def _spread(scores: np.ndarray) -> float:
    return float(scores.std()) or 1.0


def _calibration(scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope of normal scores over left-out scores, and the std of what it leaves."""
    energy = float(scores @ scores)
    slope = max(float(scores @ y) / energy, _LEAST_SLOPE) if energy > 0 else 1.0
    return slope, float(np.sqrt(np.mean((y - slope * scores) ** 2)))
