"""How good predictions are: MSE, MAE, Kendall's tau, R2 (paper, section 5)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


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
