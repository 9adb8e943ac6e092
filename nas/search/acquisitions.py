"""What is worth training next, given what a surrogate says."""

from __future__ import annotations

import math

import numpy as np

from nas.core.choices import check_seed
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Acquisition, Prediction


class Greedy(Acquisition):
    """The expected accuracy itself: exploits, and needs no uncertainty."""

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        return np.asarray(prediction.mean)


class UpperConfidenceBound(Acquisition):
    """An upper quantile (Srinivas et al. 2010): that of `beta` deviations; needs std or samples.

    Args:
        beta: how much an uncertain network is preferred; 0 is the median. Samples reach as far as
            they go: those of a warped Gaussian process 2.9 deviations.
    """

    def __init__(self, beta: float = 2.0) -> None:
        if not (math.isfinite(beta) and beta >= 0):
            raise InvalidOption(f"beta must be a number >= 0, but got {beta}")
        self.beta = beta

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        from scipy.special import ndtr

        if prediction.samples is not None:
            level = float(ndtr(self.beta))
            return np.asarray(np.quantile(prediction.samples, level, axis=0, method="hazen"))
        return np.asarray(prediction.mean + self.beta * _std(prediction, self))


class ExpectedImprovement(Acquisition):
    """How much the best is expected to be beaten by (Jones et al. 1998); needs std or samples.

    Before anything is measured it is the expected accuracy.
    """

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        if not math.isfinite(best):
            return np.asarray(prediction.mean)
        if prediction.samples is not None:
            gain = np.maximum(prediction.samples - best, 0.0).mean(axis=0)
        else:
            gain = _gaussian_improvement(prediction.mean - best, _std(prediction, self))
        return np.asarray(gain + _TIE * (prediction.mean - best))


class ThompsonSampling(Acquisition):
    """One draw from what the surrogate holds possible (Thompson 1933); needs std or samples.

    Each architecture's draw is its own, so that the best of them are a varied batch.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int = 0) -> None:
        check_seed(seed)
        self.seed = seed
        self._rng = np.random.default_rng(seed)

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        n = len(prediction)
        if prediction.samples is not None:
            rows = self._rng.integers(len(prediction.samples), size=n)
            return np.asarray(prediction.samples[rows, np.arange(n)])
        std = _std(prediction, self)
        return np.asarray(prediction.mean + std * self._rng.standard_normal(n))


_TIE = 1e-6  # share of the mean that orders networks of which none is expected to improve


def _gaussian_improvement(gain: np.ndarray, std: np.ndarray) -> np.ndarray:
    """E max(g, 0) for g normal with these means and deviations (n,)."""
    from scipy.special import ndtr

    far = 40.0  # deviations: beyond them the gain is sure, or surely none
    sure = np.abs(gain) >= far * std
    z = gain / np.where(sure, 1.0, std)
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return np.where(sure, np.maximum(gain, 0.0), gain * ndtr(z) + std * density)


def _std(prediction: Prediction, acquisition: Acquisition) -> np.ndarray:
    if prediction.std is None:
        raise InvalidSurrogate(
            f"{type(acquisition).__name__} needs a surrogate that gives a std, but this one gives "
            "a mean only; take Greedy, or wrap the surrogate in Ensemble or Calibrated"
        )
    return prediction.std
