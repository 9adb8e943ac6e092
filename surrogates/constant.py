"""The baseline that everything must beat: the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from nas.core.corpus import Corpus
from nas.core.interfaces import Prediction, Query, Surrogate
from surrogates.cross_fitting import finished


class Constant(Surrogate):
    """Predicts the mean of the training targets, with their standard deviation."""

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: no finished network.
        """
        targets = finished(corpus).targets
        self.mean_ = float(targets.mean())
        self.std_ = float(targets.std())
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`."""
        n = len(queries)
        return Prediction(np.full(n, self.mean_), np.full(n, self.std_))
