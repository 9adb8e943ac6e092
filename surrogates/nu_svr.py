"""Early accuracies through a support vector machine (Baker, Gupta, Raskar, Naik 2017)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, get_args

import numpy as np

from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate
from surrogates.cross_fitting import folds
from surrogates.observing import (
    Inputs,
    by_question,
    curves_of,
    observed,
    with_curves,
)
from surrogates.standard import Standard

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline
    from sklearn.svm import NuSVR as Machine

Kernel = Literal["rbf", "linear"]

FOLDS = 3
SECOND_ROUND = 20  # of the draws, judged on more partitions into folds
PARTITIONS = 3
_LOW, _HIGH = 1e-5, 10.0  # of C and gamma, drawn log-uniformly


class NuSVR(Surrogate):
    """Baker et al.'s predictor of final accuracies from the first epochs.

    Features after k epochs: accuracies y_1..y_k, their first and second differences, log
    parameters, log MACs, number of layers, layers by type, and the hyperparameters named here; all
    standardised. For each k (and each epoch asked about) a model is made when first asked for, by
    the paper's random search: C and gamma log-uniform in 1e-5..10, nu uniform in (0, 1], judged by
    3-fold cross-validation.

    Beyond the paper, since with some hundred networks the best of many draws is best by luck: the
    20 best draws are judged again on two more partitions into folds, and the `averaged` best of
    them answer with their mean. The standard deviation is the root mean square of that mean's
    cross-validated residuals: the Gaussian error of the paper's early stopping.

    Args:
        kernel: rbf or linear.
        draws: settings that the random search tries; the paper tried 1000.
        averaged: how many of the best machines answer together; the paper's number is 1.
        hyperparameters: names of those to read, where they differ between networks.
        architecture: False leaves the architecture's features out.
        seed: of draws and folds.
    """

    reads_curves = True

    def __init__(
        self,
        kernel: Kernel = "rbf",
        draws: int = 100,
        averaged: int = 3,
        hyperparameters: list[str] | None = None,
        architecture: bool = True,
        seed: int = 0,
    ) -> None:
        self.kernel = kernel
        self.draws = draws
        self.averaged = averaged
        self.hyperparameters = hyperparameters
        self.architecture = architecture
        self.seed = seed

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: fewer than two finished networks with curves.
            InvalidOption: a setting outside what it may be, or a hyperparameter missing.
        """
        check_seed(self.seed)
        if self.kernel not in get_args(Kernel):
            raise InvalidOption(f"kernel must be rbf or linear, but got {self.kernel!r}")
        for name in ("draws", "averaged"):
            if getattr(self, name) < 1:
                raise InvalidOption(f"{name} must be at least 1, but got {getattr(self, name)}")
        records = with_curves(corpus, least=2)
        inputs = Inputs.of(records, self.architecture, self.hyperparameters)
        self.inputs_ = inputs.state()
        self.rows_ = inputs.rows(records)
        self.curves_ = curves_of(records)
        self.machines_: dict[str, Pipeline] = {}
        self.deviations_: dict[str, float] = {}
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidOption: an epoch, or a prefix, beyond the curves that it was fitted to.
        """
        if not hasattr(self, "curves_"):
            raise InvalidSurrogate("NuSVR must be fitted before it predicts; call fit(corpus)")
        inputs = Inputs.from_state(self.inputs_).rows(queries)
        mean, std = np.empty(len(queries)), np.empty(len(queries))
        for (k, column), places in by_question(queries, self.curves_.shape[1] - 1).items():
            machine, deviation = self._machine(k, column)
            rows = _features(inputs[places], observed(queries, places))
            mean[places], std[places] = machine.predict(rows), deviation
        return Prediction(mean, std)

    def _machine(self, k: int, column: int) -> tuple[Pipeline, float]:
        """The machine for k observed epochs and one column of the curves, and its deviation."""
        name = f"{k} to {column}"
        if name not in self.machines_:
            rows = _features(self.rows_, self.curves_[:, :k])
            # A stream of its own: whatever was asked before, the same machine comes out.
            rng = np.random.default_rng([self.seed, k, column])
            search = _Search(rows, self.curves_[:, column], self.kernel, rng)
            with _global_random_numbers_kept():
                found = search.run(self.draws, self.averaged)
            self.machines_[name], self.deviations_[name] = found
        return self.machines_[name], self.deviations_[name]


@contextmanager
def _global_random_numbers_kept() -> Iterator[None]:
    """scikit-learn draws a seed for every machine from NumPy's global stream, and uses it not."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)


class _Draw(NamedTuple):
    """Settings of one machine."""

    C: float
    gamma: float
    nu: float


class _Fold(NamedTuple):
    """Rows to fit to and rows left out, standardised by the former."""

    kept: np.ndarray
    held: np.ndarray
    places: np.ndarray
    targets: np.ndarray


class _Search:
    """Random search over the settings of machines for rows (n, d) and targets (n,)."""

    def __init__(
        self, rows: np.ndarray, targets: np.ndarray, kernel: Kernel, rng: np.random.Generator
    ) -> None:
        self.rows = rows
        self.targets = targets
        self.kernel = kernel
        self.rng = rng
        self.partitions = [self._partition() for _ in range(PARTITIONS)]

    def run(self, draws: int, averaged: int) -> tuple[Pipeline, float]:
        """The mean of the best machines, fitted to all rows, and its deviation."""
        found = [self._draw() for _ in range(draws)]
        first = np.array([self._left_out(draw, self.partitions[0]) for draw in found])
        second = np.argsort(self._errors(first), kind="stable")[:SECOND_ROUND]
        again = [
            [self._left_out(found[place], parts) for parts in self.partitions[1:]]
            for place in second
        ]
        said = np.concatenate([first[second, None], np.array(again)], axis=1)
        best = np.argsort(self._errors(said).mean(axis=1), kind="stable")[:averaged]
        deviation = np.sqrt(self._errors(said[best].mean(axis=0)).mean())
        return self._fit([found[second[place]] for place in best]), float(deviation)

    def _draw(self) -> _Draw:
        c, gamma = np.exp(self.rng.uniform(np.log(_LOW), np.log(_HIGH), size=2))
        return _Draw(float(c), float(gamma), 1.0 - float(self.rng.random()))

    def _partition(self) -> list[_Fold]:
        everything = np.arange(len(self.rows))
        return [
            self._fold(np.setdiff1d(everything, held), held)
            for held in folds(len(everything), FOLDS, self.rng)
        ]

    def _fold(self, kept: np.ndarray, held: np.ndarray) -> _Fold:
        scale = Standard.of(self.rows[kept])
        return _Fold(scale(self.rows[kept]), scale(self.rows[held]), held, self.targets[kept])

    def _left_out(self, draw: _Draw, parts: Sequence[_Fold]) -> np.ndarray:
        """Predictions (n,) of each row by a machine that was not fitted to it."""
        said = np.empty(len(self.targets))
        for fold in parts:
            said[fold.places] = self._machine(draw).fit(fold.kept, fold.targets).predict(fold.held)
        return said

    def _errors(self, said: np.ndarray) -> np.ndarray:
        """Mean squared errors (...) of predictions (..., n)."""
        return np.asarray(np.mean((said - self.targets) ** 2, axis=-1))

    def _machine(self, draw: _Draw) -> Machine:
        from sklearn.svm import NuSVR as Machine

        return Machine(C=draw.C, gamma=draw.gamma, nu=draw.nu, kernel=self.kernel)

    def _fit(self, draws: Sequence[_Draw]) -> Pipeline:
        from sklearn.ensemble import VotingRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        machines = [(f"best {place}", self._machine(draw)) for place, draw in enumerate(draws)]
        model = make_pipeline(StandardScaler(), VotingRegressor(machines))
        return model.fit(self.rows, self.targets)


def _features(inputs: np.ndarray, prefixes: np.ndarray) -> np.ndarray:
    """Rows of accuracies (n, k), their first and second differences, and inputs (n, d)."""
    steps = np.diff(prefixes, axis=1)
    return np.hstack([prefixes, steps, np.diff(steps, axis=1), inputs])
