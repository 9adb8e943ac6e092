"""What the beginning of a curve says about its end: errors of one curve go together.

The network of `surrogates.bnn.network` takes the accuracies of one curve as independent given its
weights. They are not: a training that is better than expected at first stays better. So the
standardised residuals of the training curves get a covariance, and a prefix moves the rest of the
curve along it.
"""

from __future__ import annotations

import numpy as np

from surrogates.cross_fitting import folds

# Keeps covariances regular; residuals have variances near 1.
_FLOOR = 1e-4
_FOLDS = 5
_SHARES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0)


def residual_covariance(residuals: np.ndarray) -> np.ndarray:
    """Covariance (e, e) of standardised residuals (n, e) about zero.

    The second moments are shrunk to their diagonal by the share that cross-validated Gaussian
    likelihood likes best; with few curves that may be all the way.
    """
    parts = folds(len(residuals), _FOLDS, seed=0)
    if not parts:
        return _shrunk(residuals, 1.0)
    everything = np.arange(len(residuals))
    losses = [
        sum(
            _loss(residuals[held], _shrunk(residuals[np.setdiff1d(everything, held)], share))
            for held in parts
        )
        for share in _SHARES
    ]
    return _shrunk(residuals, _SHARES[int(np.argmin(losses))])


def _shrunk(residuals: np.ndarray, share: float) -> np.ndarray:
    moments = residuals.T @ residuals / len(residuals)
    diagonal = np.diag(np.diag(moments))
    regular = _FLOOR * np.eye(len(moments))
    return np.asarray((1 - share) * moments + share * diagonal + regular)


def _loss(residuals: np.ndarray, covariance: np.ndarray) -> float:
    """Negative Gaussian log-likelihood of rows, up to a constant."""
    factor = np.linalg.cholesky(covariance)
    white = np.linalg.solve(factor, residuals.T)
    return float(0.5 * np.sum(white**2) + len(residuals) * np.log(np.diag(factor)).sum())


def condition(
    mean: np.ndarray, covariance: np.ndarray, observed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian mean and variance (n,) of the last of k + 1 accuracies, given the first k.

    Args:
        mean: (n, k + 1) before anything was observed.
        covariance: (n, k + 1, k + 1), likewise.
        observed: (n, k).
    """
    across = covariance[:, :-1, -1]
    gain = np.linalg.solve(covariance[:, :-1, :-1], across[..., None])[..., 0]
    moved = mean[:, -1] + np.sum(gain * (observed - mean[:, :-1]), axis=1)
    left = covariance[:, -1, -1] - np.sum(gain * across, axis=1)
    return moved, np.maximum(left, 0.0)
