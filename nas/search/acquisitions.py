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
    """Mean plus `beta` standard deviations (Srinivas et al. 2010); needs a std.

    Args:
        beta: how much an uncertain network is preferred; 0 is `Greedy`.
    """

    def __init__(self, beta: float = 1.0) -> None:
        if not (math.isfinite(beta) and beta >= 0):
            raise InvalidOption(f"beta must be a number >= 0, but got {beta}")
        self.beta = beta

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        return np.asarray(prediction.mean + self.beta * _std(prediction, self))


class ExpectedImprovement(Acquisition):
    """How much the best is expected to be beaten by (Jones et al. 1998); needs a std.

    Before anything is measured it is the expected accuracy.
    """

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        from scipy.special import ndtr

        std = _std(prediction, self)
        if not math.isfinite(best):
            return np.asarray(prediction.mean)
        gain = prediction.mean - best
        # Where there is no doubt, z is +-inf or 0 and the formula gives max(gain, 0).
        z = np.divide(gain, std, out=np.sign(gain) * np.inf, where=std > 0)
        z = np.nan_to_num(z, nan=0.0, posinf=40.0, neginf=-40.0)
        density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
        return np.asarray(gain * ndtr(z) + std * density)


class ThompsonSampling(Acquisition):
    """One draw from what the surrogate holds possible (Thompson 1933); needs a std.

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
        std = _std(prediction, self)
        return np.asarray(prediction.mean + std * self._rng.standard_normal(len(prediction)))


def _std(prediction: Prediction, acquisition: Acquisition) -> np.ndarray:
    if prediction.std is None:
        raise InvalidSurrogate(
            f"{type(acquisition).__name__} needs a surrogate that gives a std, but this one gives "
            "a mean only; take Greedy, or wrap the surrogate in Ensemble or Calibrated"
        )
    return prediction.std
