"""Intervals around any surrogate, from its errors on networks that it was not fitted to."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np

from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate, predict
from surrogates.cross_fitting import (
    check_final,
    finished,
    held_out,
    observed_lengths,
    row_of,
)

# Draws of the predictive distribution: its quantiles at 0%, 1%, ..., 100%. So the quantiles that
# `Prediction.interval` takes of them are, at whole percents, exactly these.
_SHARES = np.linspace(0.0, 1.0, 101)
_LEAST_SCALE = 0.2  # of the median std: one that is sure of itself must not divide by nothing


class Calibrated(Surrogate):
    """Intervals around a surrogate's mean, from its cross-validated errors.

    Its errors are measured on folds of the training networks that it was not fitted to, in units of
    its own standard deviation if it has one. Their quantiles, with the correction of conformal
    prediction (n + 1 instead of n), around the mean of a fit to all networks are the predictive
    distribution: `samples` holds it, and `interval(level)` takes its quantiles. The mean stays the
    surrogate's.

    This is close to cross-conformal prediction (Vovk 2015) and CV+ (Barber, Candes, Ramdas,
    Tibshirani 2021), but neither: those keep the fit of each fold, and no guarantee for finite
    samples holds here. Intervals come out right where the fit to all networks errs like those to
    all but a fold.

    If the surrogate reads curves, errors are measured at several observed lengths, and a query
    takes those of the longest one that it reaches. Only the final accuracy can be asked about.

    Args:
        surrogate: what is wrapped; copies of it are fitted, and it stays as it is.
        folds: into which the training networks are cut.
        seed: of the folds.
    """

    def __init__(self, surrogate: Surrogate, folds: int = 5, seed: int = 0) -> None:
        self.surrogate = surrogate
        self.folds = folds
        self.seed = seed

    @property
    def reads_curves(self) -> bool:  # type: ignore[override]
        """True where the wrapped surrogate does."""
        return self.surrogate.reads_curves

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: no finished network.
            InvalidOption: fewer than two folds, or a seed below 0.
        """
        check_seed(self.seed)
        if self.folds < 2:
            raise InvalidOption(f"folds must be at least 2, but got {self.folds}")
        records = finished(corpus)
        self.epochs_ = records.epochs
        self.lengths_ = observed_lengths(self, records)
        self._measure(records)
        self.surrogate_ = copy.deepcopy(self.surrogate).fit(records)
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidSurrogate: not fitted yet.
            InvalidOption: another epoch than the last one.
        """
        if not hasattr(self, "surrogate_"):
            raise InvalidSurrogate("Calibrated must be fitted before it predicts; call fit(corpus)")
        check_final(self, queries, self.epochs_)
        said = predict(self.surrogate_, queries)
        row = row_of(self.lengths_, queries)
        scale = _scale(said.std, self.floors_[row])
        samples = said.mean + self.quantiles_[row].T * scale
        return Prediction(said.mean, samples.std(axis=0), samples)

    def _measure(self, records: Corpus) -> None:
        """Quantiles of scaled errors (lengths, 101), and the least scale at each length."""
        targets = records.targets
        if len(records) < 2:
            # Nothing is known of the errors: any accuracy is possible.
            self.quantiles_ = np.tile(2 * _SHARES - 1, (len(self.lengths_), 1))
            self.floors_ = np.ones(len(self.lengths_))
            return
        said = held_out(self.surrogate, records, self.lengths_, self.folds, self.seed)
        floors = [_floor(each.std) for each in said]
        self.floors_ = np.array(floors)
        self.quantiles_ = np.stack(
            [
                _quantiles((targets - each.mean) / _scale(each.std, floor))
                for each, floor in zip(said, floors, strict=True)
            ]
        )


def _floor(std: np.ndarray | None) -> float:
    """The least scale; 1 for a surrogate that has none of its own."""
    if std is None:
        return 1.0
    return _LEAST_SCALE * float(np.median(std)) or 1.0


def _scale(std: np.ndarray | None, floor: np.ndarray | float) -> np.ndarray:
    return np.asarray(floor) if std is None else np.maximum(std, floor)


def _quantiles(errors: np.ndarray) -> np.ndarray:
    """Quantiles of n errors at `_SHARES`, ranked as in conformal prediction.

    Below the median the error of rank floor(share (n + 1)), above it that of rank
    ceil(share (n + 1)). Ranks 0 and n + 1, where it says infinity, lie as far
    beyond the extreme errors as these lie from the median.
    """
    n, middle = len(errors), float(np.median(errors))
    ordered = np.sort(errors)
    beyond = 2 * ordered[[0, -1]] - middle
    ranked = np.concatenate([beyond[:1], ordered, beyond[1:]])
    # Rounded first: 0.05 * 20 is not exactly 1.
    ranks = np.round(_SHARES * (n + 1), 9)
    ranks = np.where(_SHARES < 0.5, np.floor(ranks), np.ceil(ranks))
    return np.asarray(ranked[ranks.astype(int)])
