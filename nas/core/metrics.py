"""How good predictions are: errors, orders, regret, and how well they know it (section 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nas.core.corpus import Corpus

NEIGHBOURS = 10
"""Networks of like accuracy that `noise_ceiling` takes to have like noise."""


def mse(target: ArrayLike, predicted: ArrayLike) -> float:
    """Mean squared error."""
    return float(np.mean((np.asarray(target, float) - np.asarray(predicted, float)) ** 2))


def mae(target: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(np.asarray(target, float) - np.asarray(predicted, float))))


def r2(target: ArrayLike, predicted: ArrayLike) -> float:
    """Coefficient of determination, 1 - MSE / Var; NaN where the targets do not vary."""
    variance = float(np.var(np.asarray(target, float)))
    return 1.0 - mse(target, predicted) / variance if variance > 0 else math.nan


def kendall_tau(target: ArrayLike, predicted: ArrayLike) -> float:
    """Kendall's tau-b; 0 where either side is constant, since then nothing is ordered."""
    from scipy.stats import kendalltau

    target, predicted = np.asarray(target, float), np.asarray(predicted, float)
    if len(target) < 2 or np.ptp(target) == 0 or np.ptp(predicted) == 0:
        return 0.0
    return float(kendalltau(target, predicted).statistic)


def spearman(target: ArrayLike, predicted: ArrayLike) -> float:
    """Spearman's rank correlation; 0 where either side is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.asarray(each, float)) for each in (target, predicted)]
    if len(ranks[0]) < 2 or not all(np.ptp(each) for each in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def top_regret(target: ArrayLike, predicted: ArrayLike, k: int) -> float:
    """What the best of the k networks predicted best falls short of the best of all.

    The order of equal predictions is that of the networks.
    """
    target = np.asarray(target, float)
    chosen = np.argsort(-np.asarray(predicted, float), kind="stable")[:k]
    return float(target.max() - target[chosen].max())


def log_likelihood(target: ArrayLike, mean: ArrayLike, std: ArrayLike) -> float:
    """Mean log density of targets under Gaussians; NaN where one is certain."""
    spread = np.asarray(std, float)
    if not (spread > 0).all():
        return math.nan
    errors = (np.asarray(target, float) - np.asarray(mean, float)) / spread
    return float(-np.mean(errors**2 / 2 + np.log(spread)) - math.log(2 * math.pi) / 2)


def coverage(target: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of targets that lie in their interval, ends included."""
    target = np.asarray(target, float)
    return float(np.mean((np.asarray(low, float) <= target) & (target <= np.asarray(high, float))))


def repeated(corpus: Corpus) -> np.ndarray:
    """Accuracies (networks, trainings) of the networks that were trained more than once.

    They are the `repeats` of a record, as in tables whose targets are means over them; else the
    targets of a network's records with different seeds. Each row has as many trainings as
    the network that has the fewest.
    """
    records = corpus.finished
    rows = [list(record.repeats) for record in records if len(record.repeats) > 1]
    if not rows:
        by_seed: dict[tuple[str, str], dict[int, float]] = {}
        for record in records:
            if record.seed is not None and record.target is not None:
                by_seed.setdefault(record.identity, {})[record.seed] = record.target
        rows = [list(found.values()) for found in by_seed.values() if len(found) > 1]
    return np.array([row[: min(map(len, rows))] for row in rows], float)


@dataclass(frozen=True)
class Noise:
    """What trainings of the same networks differ by.

    Attributes:
        networks: that were trained more than once.
        tau: Kendall's, between the first and the second training.
        std: of a network's accuracy from training to training, pooled over the networks.
        ceiling: the tau that an oracle would reach, see `noise_ceiling`.
    """

    networks: int
    tau: float
    std: float
    ceiling: float


def noise(corpus: Corpus) -> Noise | None:
    """The noise of a training; None where fewer than two networks were trained more than once."""
    trainings = repeated(corpus)
    ceiling = noise_ceiling(corpus)
    if ceiling is None:
        return None
    std = math.sqrt(trainings.var(axis=1, ddof=1).mean())
    return Noise(len(trainings), kendall_tau(trainings[:, 0], trainings[:, 1]), std, ceiling)


def noise_ceiling(corpus: Corpus, resamples: int = 200) -> float | None:
    """Kendall's tau that an oracle would reach, which knows each network's mean accuracy.

    Targets are noisy: one training each, or the mean of the m that a record has as `repeats`. To a
    network's mean is added the mean of as many residuals as a target is made of. They are those of
    the `NEIGHBOURS` networks whose means are nearest to its own, itself among them, since a network
    that stays at chance has less noise than one that is just about to learn: (a - mean) of all
    their m trainings, widened by sqrt(m / (m - 1)). The tau between means and noisy means is
    averaged over the resamples.

    With few trainings of each network it is an estimate: that the means are noisy themselves makes
    it too high; that a network may be lent the noise of others unlike it, too low. Where luck
    decides which networks learn at all, two trainings do not tell.

    Returns:
        None where fewer than two networks were trained more than once, see `repeated`.
    """
    trainings = repeated(corpus)
    if len(trainings) < 2:
        return None
    trainings = trainings[trainings.mean(axis=1).argsort(kind="stable")]
    count = trainings.shape[1]
    averaged = any(len(record.repeats) > 1 for record in corpus.finished)
    means = trainings.mean(axis=1)
    residuals = (trainings - means[:, None]) * math.sqrt(count / (count - 1))
    pools = residuals[_nearest(means, NEIGHBOURS)].reshape(len(means), -1)
    drawn = (len(means), count if averaged else 1)
    rng = np.random.default_rng(0)
    taus = [
        kendall_tau(means, means + _one_of_each(pools, drawn, rng).mean(axis=1))
        for _ in range(resamples)
    ]
    return float(np.mean(taus))


def _nearest(values: np.ndarray, count: int) -> np.ndarray:
    """Of each of n rising values, the places (n, count) of the nearest ones; all where n is less.

    They lie side by side: of all windows around a value it is the one with the least distances.
    """
    size = min(count, len(values))
    first = np.arange(len(values))[:, None] - np.arange(size)
    windows = first.clip(0, len(values) - size)[..., None] + np.arange(size)
    distances = np.abs(values[windows] - values[:, None, None]).sum(axis=2)
    nearest: np.ndarray = windows[np.arange(len(values)), distances.argmin(axis=1)]
    return nearest


def _one_of_each(pools: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draws (n, k) with replacement, each row from the same row of the pools (n, p)."""
    return np.take_along_axis(pools, rng.integers(pools.shape[1], size=shape), axis=1)
