"""The baseline of everything that reads curves: nothing will change any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from nas.core.corpus import Corpus
from nas.core.errors import InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate
from surrogates.cross_fitting import finished
from surrogates.observing import column_of, curves_of


class LastValue(Surrogate):
    """Predicts the last accuracy that was observed, and the training mean where none was.

    Asked about an epoch that was observed it says what that was, but for the last one: that stands
    for the target, which in some tables is the best epoch or a mean of seeds. The standard
    deviation is the root mean square of what this gets wrong on the training networks. A corpus
    without curves leaves it nothing but the mean and deviation of the targets.
    """

    reads_curves = True

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: no finished network.
        """
        records = finished(corpus)
        seen = records.filter(lambda record: len(record.curve) > 0)
        self.curves_ = curves_of(seen if seen else records)
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidOption: an epoch beyond the curves that it was fitted to.
        """
        if not hasattr(self, "curves_"):
            raise InvalidSurrogate("LastValue must be fitted before it predicts; call fit(corpus)")
        answers = [self._answer(query.observed, query.epoch) for query in queries]
        mean, std = np.array(answers, float).reshape(-1, 2).T
        return Prediction(mean, std)

    def _answer(self, observed: Sequence[float], epoch: int | None) -> tuple[float, float]:
        """Mean and deviation after a prefix."""
        epochs = self.curves_.shape[1] - 1
        truth = self.curves_[:, column_of(epoch, epochs)]
        if not observed:
            return float(truth.mean()), float(truth.std())
        if epoch is not None and epoch <= len(observed) and epoch < epochs:
            return observed[epoch - 1], 0.0
        if not epochs:
            return observed[-1], float(truth.std())
        last = self.curves_[:, min(len(observed), epochs) - 1]
        return observed[-1], float(np.sqrt(np.mean((truth - last) ** 2)))
