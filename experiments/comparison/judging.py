"""One surrogate on one split: fit, predict, and what it took."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nas.core import metrics
from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus
from nas.core.interfaces import Query, Surrogate, predict
from surrogates.cross_fitting import folds

TOP = 10
"""Networks that a search would train: the regret is that of the best among them."""

LEVEL = 0.9
"""Of the intervals whose coverage is measured."""

Size = int | Literal["fixed", "folds"]
Target = Literal["final", "curve"]

Metric = Callable[[np.ndarray, np.ndarray], float]
METRICS: dict[str, Metric] = {
    "mse": metrics.mse,
    "mae": metrics.mae,
    "kendall_tau": metrics.kendall_tau,
    "spearman": metrics.spearman,
    "r2": metrics.r2,
    f"top{TOP}_regret": lambda target, predicted: (
        metrics.top_regret(target, predicted, TOP) if len(target) > TOP else math.nan
    ),
}
"""Metrics of targets and predictions (n,); `Judged.scores` adds those of how sure they are.

Among as many networks as are taken, the best is always found: that regret is not told."""

RANKING = ("kendall_tau", "spearman", f"top{TOP}_regret")
"""Those that compare networks with one another; of several epochs each, they are not told."""


@dataclass(frozen=True)
class Split:
    """Which networks a surrogate is fitted to and judged on.

    Attributes:
        train_size: the first of a seeded permutation; "fixed" is the corpus' own split, "folds"
            are parts of a seeded permutation, each judged by a fit to the others.
        test_size: networks behind them; None is all others.
        seed: of the permutation; of a fixed split, the number of the repeat.
        repeat: from 0; added to the surrogate's own seed. Of folds, the part that is judged.
        folds: number of parts; 0 for other splits.
    """

    train_size: Size
    test_size: int | None
    seed: int
    repeat: int
    folds: int = 0

    def told(self) -> dict[str, Any]:
        """What makes a difference, as JSON values."""
        without = {"fixed": {"seed", "test_size", "folds"}, "folds": {"test_size"}}
        drop = without.get(str(self.train_size), {"folds"})
        return {name: value for name, value in vars(self).items() if name not in drop}

    def of(self, corpus: Corpus) -> tuple[Corpus, Corpus]:
        """Training and test networks.

        Raises:
            InvalidCorpus: the corpus is too small, or has no fixed split.
        """
        if self.train_size == "fixed":
            return corpus.fixed_split()
        if self.train_size == "folds":
            return self._fold(corpus)
        return corpus.split(self.train_size, self.seed, self.test_size)

    def _fold(self, corpus: Corpus) -> tuple[Corpus, Corpus]:
        if not 2 <= self.folds <= len(corpus):
            raise InvalidCorpus(
                f"--train_size folds needs 2 to {len(corpus)} folds, one for each repeat, but "
                f"--repeats is {self.folds}"
            )
        held = folds(len(corpus), self.folds, self.seed)[self.repeat]
        test = corpus.take(held)
        # Other trainings of a test network would leak.
        asked = {record.architecture.key for record in test}
        train = corpus.take(np.setdiff1d(np.arange(len(corpus)), held))
        return train.filter(lambda record: record.architecture.key not in asked), test


def splits_of(size: Size, test_size: int | None, seed: int, repeats: int) -> list[Split]:
    """The splits of one training size."""
    if size == "folds":
        return [Split(size, None, seed, part, repeats) for part in range(repeats)]
    return [Split(size, test_size, seed + r, r) for r in range(repeats)]


@dataclass(frozen=True)
class Judged:
    """What one surrogate said about the test networks of one split, and what it took.

    A question is a test network, or one of its epochs where curves are the target.

    Attributes:
        keys: for each question the key of its architecture.
        real: the answers.
        predicted: what was said.
        std: how sure, where the surrogate knows.
        low: lower ends of 90% intervals, where it knows those.
        high: their upper ends.
        test_size: test networks.
        observed_epochs: of each test network that had to be trained first.
        epochs: of a whole training; 0 where the corpus does not tell.
        train_size: networks it was fitted to.
        fit_seconds: on one core.
        predict_seconds: for all questions, on one core.
    """

    keys: list[str]
    real: list[float]
    predicted: list[float]
    std: list[float] | None
    low: list[float] | None
    high: list[float] | None
    test_size: int
    observed_epochs: int
    epochs: int
    train_size: int
    fit_seconds: float
    predict_seconds: float

    def scores(self, places: np.ndarray | None = None) -> dict[str, float]:
        """Every metric, over all questions or those at some places; NaN for what is not known."""
        chosen = slice(None) if places is None else places

        def of(values: list[float] | None) -> np.ndarray:
            return np.array(values, float)[chosen]

        real, predicted = of(self.real), of(self.predicted)
        found = {name: metric(real, predicted) for name, metric in METRICS.items()}
        if len(self.real) > self.test_size:  # ranks of epochs would say that networks learn
            found |= dict.fromkeys(RANKING, math.nan)
        found["coverage"] = found["log_likelihood"] = math.nan
        if self.low is not None:
            found["coverage"] = metrics.coverage(real, of(self.low), of(self.high))
        if self.std is not None:
            found["log_likelihood"] = metrics.log_likelihood(real, predicted, of(self.std))
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Judged:
        """What `vars` of one gave."""
        return cls(**data)


def judge(
    surrogate: Surrogate, corpus: Corpus, split: Split, observed: float, target: Target
) -> Judged:
    """Fits a copy to the split's training networks and asks it about the others.

    Args:
        surrogate: left as it is; the copy's seed, if it has one, is raised by the repeat.
        corpus: finished networks.
        split: of the corpus.
        observed: share of the curve given to surrogates that read curves, and to no others.
        target: the final accuracies, or those of every epoch that was not observed.
    """
    train, test = split.of(corpus)
    fitted = seeded(surrogate, split.repeat)
    start = time.perf_counter()
    fitted.fit(train)
    between = time.perf_counter()
    epochs = min(observed_epochs(surrogate, corpus, observed), train.epochs)
    queries, real = questions(test, train.epochs, epochs, target)
    said = predict(fitted, queries)
    end = time.perf_counter()
    sure = said.std is not None or said.samples is not None
    low, high = said.interval(LEVEL) if sure else (None, None)
    return Judged(
        keys=[query.architecture.key for query in queries],
        real=real,
        predicted=said.mean.tolist(),
        std=_numbers(said.std),
        low=_numbers(low),
        high=_numbers(high),
        test_size=len(test),
        observed_epochs=epochs,
        epochs=corpus.epochs,
        train_size=len(train),
        fit_seconds=between - start,
        predict_seconds=end - between,
    )


def observed_epochs(surrogate: Surrogate, corpus: Corpus, observed: float) -> int:
    """Epochs that a surrogate is shown: a share of the corpus', or none where it reads none."""
    return round(observed * corpus.epochs) if surrogate.reads_curves else 0


def questions(
    test: Corpus, epochs: int, observed: int, target: Target
) -> tuple[list[Query], list[float]]:
    """What is asked about test networks after some observed epochs, and the real answers.

    Args:
        test: the networks.
        epochs: of the training networks' curves; nobody can know of more.
        observed: epochs that are given away.
        target: the final accuracies, or those of every epoch that a network was trained for; that
            of the last one is the target, which a table may measure otherwise.
    """
    queries: list[Query] = []
    real: list[float] = []
    for record, final in zip(test, test.targets.tolist(), strict=True):
        curve = tuple(record.curve)
        asked: dict[int | None, float] = {None: final}
        if target == "curve":
            seen = enumerate(curve[observed:epochs], start=observed + 1)
            asked = {**dict(seen), epochs: final}
        queries += [
            Query(record.architecture, epoch, curve[:observed], record.hyperparameters)
            for epoch in asked
        ]
        real += asked.values()
    return queries, real


def _numbers(values: np.ndarray | None) -> list[float] | None:
    return None if values is None else values.tolist()


def seeded(surrogate: Surrogate, repeat: int) -> Surrogate:
    """A copy for one repeat: its seed and those of the surrogates that it wraps are raised."""
    copied = copy.deepcopy(surrogate)
    _raise_seeds(copied, repeat)
    return copied


def _raise_seeds(surrogate: Surrogate, repeat: int) -> None:
    if isinstance(getattr(surrogate, "seed", None), int):
        vars(surrogate)["seed"] += repeat
    for wrapped in wrapped_by(surrogate):
        _raise_seeds(wrapped, repeat)


def wrapped_by(surrogate: Surrogate) -> list[Surrogate]:
    """The surrogates among its constructor's arguments, as an ensemble's members."""
    values = vars(surrogate).values()
    each = [v for value in values for v in (value if isinstance(value, list | tuple) else [value])]
    return [value for value in each if isinstance(value, Surrogate)]
