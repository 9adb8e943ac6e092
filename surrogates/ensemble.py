"""Several surrogates as one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np

from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate, predict
from nas.core.metrics import kendall_tau
from surrogates.cross_fitting import (
    check_final,
    finished,
    held_out,
    observed_lengths,
    row_of,
)
from surrogates.tabular import unwarped
from surrogates.warp import NormalScores

# Weights are the members' taus to one of these powers: from nearly equal to nearly the best alone.
_POWERS = (2.0, 8.0, 32.0, 128.0)


class Ensemble(Surrogate):
    """The weighted average of its members' predictions, taken on the scale of normal scores.

    Each member is judged by Kendall's tau on folds of the training networks that it was not fitted
    to; its weight is a power of that tau, and the power is the one whose average orders the
    left-out networks best. So a poor member counts for nothing, and equal ones count equally. The
    standard deviation is the spread of the members and a constant part, such that together they
    explain the errors on the left-out networks.

    If a member reads curves the ensemble does, and the weights depend on the observed length. Only
    the final accuracy can be asked about: weights and normal scores are of that.

    Args:
        members: the surrogates; copies of them are fitted, and they stay as they are.
        folds: into which the training networks are cut to judge the members.
        seed: of the folds.
    """

    def __init__(self, members: list[Surrogate], folds: int = 5, seed: int = 0) -> None:
        self.members = members
        self.folds = folds
        self.seed = seed

    @property
    def reads_curves(self) -> bool:  # type: ignore[override]
        """True where a member does."""
        return any(member.reads_curves for member in self.members)

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: no finished network.
            InvalidOption: no members, fewer than two folds, or a seed below 0.
        """
        check_seed(self.seed)
        if not self.members or self.folds < 2:
            raise InvalidOption(
                "an ensemble must have at least one member and two folds, but got "
                f"{len(self.members)} and {self.folds}"
            )
        records = finished(corpus)
        self.knots_ = np.sort(records.targets)
        self.epochs_ = records.epochs
        self.lengths_ = observed_lengths(self, records)
        self._judge(records)
        self.members_ = [copy.deepcopy(member).fit(records) for member in self.members]
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidSurrogate: not fitted yet.
            InvalidOption: another epoch than the last one.
        """
        if not hasattr(self, "members_"):
            raise InvalidSurrogate("Ensemble must be fitted before it predicts; call fit(corpus)")
        check_final(self, queries, self.epochs_)
        normal = NormalScores(self.knots_)
        said = [predict(member, queries).mean for member in self.members_]
        scores = np.stack([normal.scores(mean) for mean in said])
        row = row_of(self.lengths_, queries)
        mean, spread = _blend(scores, self.weights_[row].T)
        return unwarped(normal, mean, np.sqrt(spread + self.noise_[row]))

    def _judge(self, records: Corpus) -> None:
        """Weights (lengths, members) and the constant part of the variance (lengths,)."""
        targets = records.targets
        normal = NormalScores(self.knots_)
        equal = np.full(len(self.members), 1 / len(self.members))
        self.weights_ = np.tile(equal, (len(self.lengths_), 1))
        self.noise_ = np.ones(len(self.lengths_))
        if len(records) < 2:
            return
        said = [
            held_out(member, records, self.lengths_, self.folds, self.seed)
            for member in self.members
        ]
        for row in range(len(self.lengths_)):
            scores = np.stack([normal.scores(each[row].mean) for each in said])
            self.weights_[row] = _weights(scores, targets)
            mean, spread = _blend(scores, self.weights_[row][:, None])
            errors = np.mean((normal.scores(targets) - mean) ** 2)
            self.noise_[row] = max(errors - spread.mean(), 0.1 * errors)


def _blend(scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and variance (n,) of scores (members, n)."""
    mean = (weights * scores).sum(axis=0)
    return mean, (weights * (scores - mean) ** 2).sum(axis=0)


def _weights(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights (members,) of members with these scores (members, n) of left-out networks."""
    taus = np.array([max(kendall_tau(targets, each), 0.0) for each in scores])
    if not taus.any():
        return np.full(len(taus), 1 / len(taus))
    raised = [(taus / taus.max()) ** power for power in _POWERS]
    tried: list[np.ndarray] = [each / each.sum() for each in raised]
    taus_of = [kendall_tau(targets, _blend(scores, each[:, None])[0]) for each in tried]
    return tried[int(np.argmax(taus_of))]
