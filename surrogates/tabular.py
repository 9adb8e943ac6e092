"""What the surrogates share that see a network as a row of features."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np

from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate
from surrogates.cross_fitting import check_final, finished
from surrogates.features import FeatureName, Features
from surrogates.warp import NormalScores

Answer = tuple[np.ndarray, np.ndarray | None]


class TabularSurrogate(Surrogate):
    """Features in, a number out; the target may be warped to normal scores on the way.

    Subclasses store `features`, `warp` and `seed` and define `_learn` and `_answer`. Predictions
    are of the accuracy after the last epoch.
    """

    features: FeatureName
    warp: bool
    seed: int

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: no finished network.
            InvalidOption: a setting outside what it may be.
        """
        check_seed(self.seed)
        records = finished(corpus)
        architectures = [record.architecture for record in records]
        features = Features(self.features).fit(architectures)
        targets = records.targets
        scores = NormalScores.of(targets).scores(targets) if self.warp else targets
        try:
            self._learn(features.matrix(architectures), scores)
        except ValueError as error:  # what scikit-learn says of a setting that it does not take
            raise InvalidOption(
                f"{type(self).__name__} must have settings that its estimator takes, but: "
                f"{' '.join(str(error).split())}"
            ) from error
        self.features_ = features.state()
        self.epochs_ = records.epochs
        self.knots_ = np.sort(targets) if self.warp else None
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidSurrogate: not fitted yet.
            InvalidOption: another epoch than the last one.
        """
        if not hasattr(self, "features_"):
            name = type(self).__name__
            raise InvalidSurrogate(f"{name} must be fitted before it predicts; call fit(corpus)")
        check_final(self, queries, self.epochs_)
        if not queries:
            return Prediction(np.zeros(0))
        features = Features.from_state(self.features_)
        mean, std = self._answer(features.matrix([query.architecture for query in queries]))
        if self.knots_ is None:
            return Prediction(mean, std)
        return unwarped(NormalScores(self.knots_), mean, std)

    @abstractmethod
    def _learn(self, x: np.ndarray, y: np.ndarray) -> None:
        """Learns from features (n, d), d >= 1, and accuracies or normal scores (n,), n >= 1."""

    @abstractmethod
    def _answer(self, x: np.ndarray) -> Answer:
        """Means (n,) for features (n, d), and standard deviations or None."""


LEAST_SPREAD = 0.2
"""Share of an ordinary deviation that every one comes to at least: nobody may be all but certain
where trees agree, or where many training networks have one accuracy. Chosen by log-likelihood in
cross-validation inside 100 training networks of four tables; half suits some of them better, and
the others worse."""

DRAWS = 255  # an odd number: the median is among them; the last one lies 2.9 deviations out


def unwarped(normal: NormalScores, mean: np.ndarray, std: np.ndarray | None) -> Prediction:
    """Normal scores as accuracies.

    std is half of what one std to both sides comes to, and at least a fifth of what it would come
    to were the accuracies normal: they may be equal over a wide range of scores. The distribution
    is lopsided, since good accuracies lie close together: samples hold its quantiles, evenly
    spaced.
    """
    if std is None:
        return Prediction(normal.accuracies(mean))
    from scipy.special import ndtri

    spread = (normal.accuracies(mean + std) - normal.accuracies(mean - std)) / 2
    spread = np.maximum(spread, LEAST_SPREAD * std * normal.knots.std())
    quantiles = ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
    samples = normal.accuracies(mean + quantiles[:, None] * std)
    return Prediction(normal.accuracies(mean), spread, samples)
