"""From judgements to the rows of compare.json: means, spreads and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from experiments.comparison.judging import Judged

RESAMPLES = 1000
LEVEL = 0.95
SIZES = ("train_size", "test_size")  # of folds, those of different splits differ by one


def row(name: str, judged: Sequence[Judged], fixed: bool) -> dict[str, Any]:
    """One row: a surrogate at one training size, over the splits.

    Args:
        name: of the surrogate.
        judged: one for each split.
        fixed: the splits are one and the same, so that intervals come from its test networks.
    """
    first = judged[0]
    sizes = {name: round(np.mean([getattr(each, name) for each in judged])) for name in SIZES}
    scores = [each.scores() for each in judged]
    values = {metric: np.array([score[metric] for score in scores]) for metric in scores[0]}
    intervals = _over_networks(judged) if fixed else _over_splits(values)
    for metric, each in values.items():
        if np.isnan(each).any():  # no mean is told, and so nothing around it
            intervals[metric] = np.array([np.nan, np.nan])
    share = first.observed_epochs / first.epochs if first.epochs else 0.0
    return {
        "surrogate": name,
        "observed_epochs": first.observed_epochs,
        "observed_share": share,
        "epochs_charged": first.observed_epochs * sizes["test_size"],
        **sizes,
        "repeats": len(judged),
        **{metric: _number(each.mean()) for metric, each in values.items()},
        **{f"{metric}_std": _std(each) for metric, each in values.items()},
        **{f"{metric}_low": _number(low) for metric, (low, _) in intervals.items()},
        **{f"{metric}_high": _number(high) for metric, (_, high) in intervals.items()},
        # Medians: the first fit of a process loads libraries.
        "fit_seconds": float(np.median([each.fit_seconds for each in judged])),
        "predict_seconds": float(np.median([each.predict_seconds for each in judged])),
    }


def _std(values: np.ndarray) -> float | None:
    return _number(values.std(ddof=1)) if len(values) > 1 else None


def _number(value: float) -> float | None:
    """None for what cannot be told, such as R2 where the test targets do not vary; so does JSON."""
    return float(value) if np.isfinite(value) else None


def _over_splits(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Intervals of the mean over random splits: the splits are resampled.

    Quantiles of few resampled splits lie too near their mean; those farther out are taken by which
    the interval of normal values would be Student's (Hesterberg 2015, section 3.3).
    """
    rng = np.random.default_rng(0)
    splits = len(next(iter(values.values())))
    if splits == 1:  # nothing is known of how splits differ
        return {metric: np.array([np.nan, np.nan]) for metric in values}
    places = rng.integers(splits, size=(RESAMPLES, splits))
    student = stats.t.ppf((1 - LEVEL) / 2, splits - 1) * np.sqrt(splits / (splits - 1))
    tail = float(stats.norm.cdf(student))
    return {metric: _interval(each[places].mean(axis=1), tail) for metric, each in values.items()}


def _over_networks(judged: Sequence[Judged]) -> dict[str, np.ndarray]:
    """Intervals of the mean over repeats on one split: test networks and repeats are resampled."""
    rng = np.random.default_rng(0)
    _, network = np.unique(judged[0].keys, return_inverse=True)
    questions = [np.flatnonzero(network == number) for number in range(network.max() + 1)]
    resampled: dict[str, list[float]] = {metric: [] for metric in judged[0].scores()}
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(questions), size=len(questions))
        places = np.concatenate([questions[number] for number in drawn])
        repeats = rng.integers(len(judged), size=len(judged))
        scores = {repeat: judged[repeat].scores(places) for repeat in set(repeats.tolist())}
        for metric, means in resampled.items():
            means.append(float(np.mean([scores[repeat][metric] for repeat in repeats.tolist()])))
    return {metric: _interval(np.array(each)) for metric, each in resampled.items()}


def _interval(values: np.ndarray, tail: float = (1 - LEVEL) / 2) -> np.ndarray:
    """The quantiles of those that can be told."""
    if np.isnan(values).all():
        return np.array([np.nan, np.nan])
    return np.asarray(np.nanquantile(values, [tail, 1 - tail]))
