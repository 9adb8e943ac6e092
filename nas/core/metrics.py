"""How good predictions are: errors, orders, regret, and how well they know it (section 5)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from nas.core.corpus import Corpus


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


def noise_ceiling(corpus: Corpus, resamples: int = 50) -> float | None:
    """Kendall's tau that an oracle would reach, which knows each network's mean accuracy.

    Targets that are means of m trainings are noisy. The residuals of all trainings around their
    network's mean, widened by sqrt(m / (m - 1)), are drawn m at a time and their mean is added to
    each target; the tau between targets and noisy targets is averaged over the resamples.

    Returns:
        None where fewer than two networks were trained more than once.
    """
    repeated = [record for record in corpus.finished if len(record.repeats) > 1]
    if len(repeated) < 2:
        return None
    targets = np.array([record.target for record in repeated], float)
    count = min(len(record.repeats) for record in repeated)
    trainings = np.array([record.repeats[:count] for record in repeated])
    residuals = trainings - trainings.mean(axis=1, keepdims=True)
    residuals = residuals.ravel() * math.sqrt(count / (count - 1))
    rng = np.random.default_rng(0)
    taus = [
        kendall_tau(targets, targets + rng.choice(residuals, size=trainings.shape).mean(axis=1))
        for _ in range(resamples)
    ]
    return float(np.mean(taus))
