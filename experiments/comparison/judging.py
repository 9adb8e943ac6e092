"""One surrogate on one split: fit, predict, and what it took."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nas.core import metrics
from nas.core.corpus import Corpus
from nas.core.interfaces import Query, Surrogate, predict

TOP = 10
"""Networks that a search would train: the regret is that of the best among them."""

METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mse": metrics.mse,
    "mae": metrics.mae,
    "kendall_tau": metrics.kendall_tau,
    "spearman": metrics.spearman,
    "r2": metrics.r2,
    f"top{TOP}_regret": lambda target, predicted: metrics.top_regret(target, predicted, TOP),
}


@dataclass(frozen=True)
class Split:
    """Which networks a surrogate is fitted to and judged on.

    Attributes:
        train_size: the first of a seeded permutation; "fixed" is the corpus' own split.
        test_size: networks behind them; None is all others.
        seed: of the permutation; of a fixed split, the number of the repeat.
        repeat: from 0; added to the surrogate's own seed.
    """

    train_size: int | Literal["fixed"]
    test_size: int | None
    seed: int
    repeat: int

    def of(self, corpus: Corpus) -> tuple[Corpus, Corpus]:
        """Training and test networks.

        Raises:
            InvalidCorpus: the corpus is too small, or has no fixed split.
        """
        if self.train_size == "fixed":
            return corpus.fixed_split()
        return corpus.split(self.train_size, self.seed, self.test_size)


@dataclass(frozen=True)
class Judged:
    """What one surrogate said about the test networks of one split, and what it took.

    Attributes:
        keys: of the test networks' architectures.
        real: their targets.
        predicted: what was said.
        std: how sure, where the surrogate knows.
        observed_epochs: of each test network that had to be trained first.
        epochs: of a whole training; 0 where the corpus does not tell.
        train_size: networks it was fitted to.
        fit_seconds: on one core.
        predict_seconds: for all test networks, on one core.
    """

    keys: list[str]
    real: list[float]
    predicted: list[float]
    std: list[float] | None
    observed_epochs: int
    epochs: int
    train_size: int
    fit_seconds: float
    predict_seconds: float

    def scores(self, places: np.ndarray | None = None) -> dict[str, float]:
        """Every metric, over all test networks or those at some places."""
        real, predicted = np.array(self.real), np.array(self.predicted)
        if places is not None:
            real, predicted = real[places], predicted[places]
        return {name: metric(real, predicted) for name, metric in METRICS.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Judged:
        """What `vars` of one gave."""
        return cls(**data)


def judge(surrogate: Surrogate, corpus: Corpus, split: Split, observed: float) -> Judged:
    """Fits a copy to the split's training networks and asks it about the others.

    Args:
        surrogate: left as it is; the copy's seed, if it has one, is raised by the repeat.
        corpus: finished networks.
        split: of the corpus.
        observed: share of the curve given to surrogates that read curves, and to no others.
    """
    train, test = split.of(corpus)
    fitted = seeded(surrogate, split.repeat)
    start = time.perf_counter()
    fitted.fit(train)
    between = time.perf_counter()
    epochs = round(observed * test.epochs) if fitted.reads_curves else 0
    queries = [
        Query(r.architecture, None, tuple(r.curve[:epochs]), r.hyperparameters) for r in test
    ]
    said = predict(fitted, queries)
    end = time.perf_counter()
    return Judged(
        keys=[record.architecture.key for record in test],
        real=test.targets.tolist(),
        predicted=said.mean.tolist(),
        std=None if said.std is None else said.std.tolist(),
        observed_epochs=epochs,
        epochs=test.epochs,
        train_size=len(train),
        fit_seconds=between - start,
        predict_seconds=end - between,
    )


def seeded(surrogate: Surrogate, repeat: int) -> Surrogate:
    """A copy for one repeat, with a seed of its own where the surrogate has one."""
    copied = copy.deepcopy(surrogate)
    if isinstance(getattr(copied, "seed", None), int):
        vars(copied)["seed"] += repeat
    return copied
