"""What is worth training next, given what a surrogate says."""

from __future__ import annotations

import numpy as np

from nas.core.interfaces import Acquisition, Prediction


class Greedy(Acquisition):
    """The expected accuracy itself: exploits, and needs no uncertainty."""

    def score(self, prediction: Prediction, best: float) -> np.ndarray:
        """See `Acquisition.score`."""
        return np.asarray(prediction.mean)
