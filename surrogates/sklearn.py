"""Any scikit-learn regressor as a surrogate."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogates.features import FeatureName
from surrogates.tabular import Answer, TabularSurrogate

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


class SklearnSurrogate(TabularSurrogate):
    """A scikit-learn regressor, or a pipeline that ends in one, on features of the architecture.

    It gives a standard deviation where the regressor's `predict` takes `return_std`. Features are
    not standardised: put a `StandardScaler` in front of a regressor that needs it. On the command
    line:

        class_path: surrogates.SklearnSurrogate
        init_args:
          estimator: {class_path: sklearn.linear_model.Ridge, init_args: {alpha: 1.0}}

    Args:
        estimator: the regressor; a clone of it is fitted, and it stays as it is.
        features: the set of features; see `surrogates.features.Features`.
        warp: fit normal scores of the accuracies instead of the accuracies.
        seed: of the regressor and its parts, where they have a `random_state` that is not set.
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        features: FeatureName = "auto",
        warp: bool = False,
        seed: int = 0,
    ) -> None:
        self.estimator = estimator
        self.features = features
        self.warp = warp
        self.seed = seed

    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        from sklearn.base import clone

        model = clone(self.estimator)
        unset = [
            name
            for name, value in model.get_params().items()
            if name.rpartition("__")[2] == "random_state" and value is None
        ]
        model.set_params(**dict.fromkeys(unset, self.seed))
        self.model_ = model.fit(x, y)

    def _answer(self, x: np.ndarray) -> Answer:
        if _gives_std(self.model_):
            mean, std = self.model_.predict(x, return_std=True)
            return np.ravel(mean), np.ravel(std)
        return np.ravel(self.model_.predict(x)).astype(np.float64), None


def _gives_std(model: Any) -> bool:
    """True where `predict` takes `return_std`; a pipeline hands it to its last step."""
    steps = getattr(model, "steps", None)
    regressor = steps[-1][1] if steps else model
    return "return_std" in inspect.signature(regressor.predict).parameters
