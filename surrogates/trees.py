"""Forests and boosting on summary features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from nas.core.errors import InvalidOption
from surrogates.cross_fitting import folds
from surrogates.features import FeatureName
from surrogates.tabular import LEAST_SPREAD, Answer, TabularSurrogate

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

Splits = Literal["random", "best"]

FOLDS = 5  # of the cross-fitting that measures a forest's error
_TREES = 0.1  # of the forest, in each of these fits: enough for the size of an error


class RandomForest(TabularSurrogate):
    """A random forest (Breiman 2001), by default an extremely randomised one (Geurts 2006).

    The standard deviation is the spread of the trees, and at least a fifth of the root mean square
    error on networks left out of small forests: where all trees hold one network, they agree to
    the last digit and know no more for it.

    Args:
        features: the set of features; see `surrogates.features.Features`.
        trees: how many.
        splits: random draws one threshold for each feature that a split may use and takes the
            best of these, on all networks; best looks at all thresholds, on bootstrap samples.
        max_features: share of the features that a split may use.
        min_leaf: fewest networks in a leaf.
        warp: fit normal scores of the accuracies instead of the accuracies.
        seed: of samples and splits.
    """

    def __init__(
        self,
        features: FeatureName = "auto",
        trees: int = 300,
        splits: Splits = "random",
        max_features: float = 0.33,
        min_leaf: int = 1,
        warp: bool = False,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.trees = trees
        self.splits = splits
        self.max_features = max_features
        self.min_leaf = min_leaf
        self.warp = warp
        self.seed = seed

    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        if self.splits not in get_args(Splits):
            raise InvalidOption(f"splits must be random or best, but got {self.splits!r}")
        self.model_ = self._forest(self.trees).fit(x, y)
        self.least_std_ = LEAST_SPREAD * self._left_out_error(x, y)

    def _answer(self, x: np.ndarray) -> Answer:
        said = np.stack([tree.predict(x) for tree in self.model_.estimators_])
        return said.mean(axis=0), np.maximum(said.std(axis=0), self.least_std_)

    def _forest(self, trees: int) -> ExtraTreesRegressor | RandomForestRegressor:
        """A forest of so many trees that has learnt nothing yet."""
        from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

        forest = {"random": ExtraTreesRegressor, "best": RandomForestRegressor}[self.splits]
        return forest(
            trees,
            max_features=self.max_features,
            min_samples_leaf=self.min_leaf,
            random_state=self.seed,
        )

    def _left_out_error(self, x: np.ndarray, y: np.ndarray) -> float:
        """Root mean square error on networks that a fit did not see; 0 for a single network."""
        errors, trees = np.zeros(len(x)), max(round(_TREES * self.trees), 1)
        for held in folds(len(x), FOLDS, self.seed):
            kept = np.setdiff1d(np.arange(len(x)), held)
            errors[held] = self._forest(trees).fit(x[kept], y[kept]).predict(x[held]) - y[held]
        return float(np.sqrt(np.mean(errors**2)))


class GradientBoosting(TabularSurrogate):
    """Boosted regression trees (Friedman 2002, with subsampling).

    It gives means only: the spread of bootstrapped boosting covers 40-60% at a nominal 90%. Wrap it
    in `Calibrated` for intervals.

    Args:
        features: the set of features; see `surrogates.features.Features`.
        trees: boosting steps.
        learning_rate: share of each tree that counts.
        depth: of the trees.
        subsample: share of the networks that each tree sees.
        max_features: share of the features that a split may use.
        min_leaf: fewest networks in a leaf.
        warp: fit normal scores of the accuracies instead of the accuracies.
        seed: of samples and splits.
    """

    def __init__(
        self,
        features: FeatureName = "auto",
        trees: int = 300,
        learning_rate: float = 0.03,
        depth: int = 4,
        subsample: float = 0.6,
        max_features: float = 0.3,
        min_leaf: int = 3,
        warp: bool = False,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.trees = trees
        self.learning_rate = learning_rate
        self.depth = depth
        self.subsample = subsample
        self.max_features = max_features
        self.min_leaf = min_leaf
        self.warp = warp
        self.seed = seed

    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        from sklearn.ensemble import GradientBoostingRegressor

        model = GradientBoostingRegressor(
            n_estimators=self.trees,
            learning_rate=self.learning_rate,
            max_depth=self.depth,
            # A sample of a handful of networks must not come out empty.
            subsample=1.0 if 0 < self.subsample * len(x) < 2 else self.subsample,
            max_features=self.max_features,
            min_samples_leaf=self.min_leaf,
            random_state=self.seed,
        )
        self.model_ = model.fit(x, y)

    def _answer(self, x: np.ndarray) -> Answer:
        return np.asarray(self.model_.predict(x), dtype=np.float64), None
