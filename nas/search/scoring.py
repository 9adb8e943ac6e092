"""From a surrogate and an acquisition to the score that proposers maximise."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from nas.core.architecture import Architecture
from nas.core.interfaces import Acquisition, Query, Score, Surrogate, predict
from nas.core.limits import Allows, Limits


def surrogate_score(
    surrogate: Surrogate,
    acquisition: Acquisition,
    *,
    limits: Allows | None = None,
    best: float = -math.inf,
    exclude: Collection[str] = (),
) -> Score:
    """A score that asks the surrogate once for each batch.

    Args:
        surrogate: fitted.
        acquisition: turns its predictions into scores.
        limits: what they do not allow is forbidden (-inf) and never shown to the surrogate.
        best: highest accuracy measured so far, for acquisitions that improve on it.
        exclude: keys of architectures that must not be proposed, such as those already trained.
    """
    bounds = limits or Limits()

    def score(architectures: Sequence[Architecture]) -> np.ndarray:
        allowed = np.array(
            [bounds.allow(each) and each.key not in exclude for each in architectures], dtype=bool
        )
        scores = np.full(len(architectures), -np.inf)
        if allowed.any():
            queries = [Query(a) for a, good in zip(architectures, allowed, strict=True) if good]
            scores[allowed] = acquisition.score(predict(surrogate, queries), best)
        return scores

    return score
