"""A Gaussian process on summary features: the strongest simple surrogate at small N."""

from __future__ import annotations

import warnings

import numpy as np

from surrogates.features import FeatureName
from surrogates.standard import Standard
from surrogates.tabular import Answer, TabularSurrogate


class GaussianProcess(TabularSurrogate):
    """Matern-5/2 with one length scale and white noise, on standardised features.

    Amplitude, length scale and noise maximise the marginal likelihood (Rasmussen & Williams 2006,
    chapter 5). The standard deviation is that of a new training of the network, noise included.

    Args:
        features: the set of features; see `surrogates.features.Features`.
        warp: fit normal scores of the accuracies instead of the accuracies.
        restarts: further starts of the search for the three hyperparameters, at random places.
        seed: of these places.
    """

    def __init__(
        self,
        features: FeatureName = "auto",
        warp: bool = True,
        restarts: int = 0,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.warp = warp
        self.restarts = restarts
        self.seed = seed

    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        scale = Standard.of(x)
        self.center_, self.scale_ = scale.mean, scale.std
        # Standardised points lie about sqrt(2 d) apart.
        length = float(np.sqrt(x.shape[1]))
        matern = Matern(length, (0.05 * length, 100 * length), nu=2.5)
        kernel = ConstantKernel(1.0, (1e-2, 1e2)) * matern + WhiteKernel(0.1, (1e-4, 2.0))
        model = GaussianProcessRegressor(
            kernel, normalize_y=True, n_restarts_optimizer=self.restarts, random_state=self.seed
        )
        with warnings.catch_warnings():
            # A hyperparameter at its bound is a fine answer: no noise, or nothing but noise.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model_ = model.fit(scale(x), y)

    def _answer(self, x: np.ndarray) -> Answer:
        mean, std = self.model_.predict(Standard(self.center_, self.scale_)(x), return_std=True)
        return mean, std
