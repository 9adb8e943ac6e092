"""An Optuna pruner that asks a curve surrogate whether a training can still win."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Sequence

import optuna
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Query, SearchSpace, Surrogate, predict
from nas.search.candidates import check_at_least_one
from nas.studies.history import History, OfOneStudy, check_study, observed

_logger = logging.getLogger(__name__)


class LearningCurvePruner(OfOneStudy, BasePruner):
    """Stops a training that will not beat the best one (Baker, Gupta, Raskar, Naik 2017).

    After each reported epoch the surrogate predicts the final accuracy from the curve so far. The
    training is stopped where P(final accuracy <= best) >= `confidence`, a Gaussian with the
    surrogate's mean and std. Works in any study whose objective generates from the space and
    reports one validation accuracy an epoch.

    Args:
        space: that the objective generates from.
        surrogate: one that reads curves and gives a std, such as NuSVR or BNN; fitted copies of it
            are asked.
        confidence: how sure the surrogate must be.
        warmup: trainings that are finished before the first one is stopped; Baker took 100.
        min_epochs: that every training gets.
        refit_every: finished trainings after which the surrogate is fitted again.
    """

    def __init__(
        self,
        space: SearchSpace,
        surrogate: Surrogate,
        confidence: float = 0.99,
        warmup: int = 20,
        min_epochs: int = 1,
        refit_every: int = 20,
    ) -> None:
        if not 0 < confidence < 1:
            raise InvalidOption(f"confidence must lie between 0 and 1, but got {confidence}")
        if not surrogate.reads_curves:
            raise InvalidOption(
                "the surrogate of a pruner must read curves, as NuSVR and BNN do, but "
                f"{type(surrogate).__name__} does not; take it for SurrogateSampler"
            )
        check_at_least_one(warmup=warmup, min_epochs=min_epochs, refit_every=refit_every)
        self.space = space
        self.surrogate = surrogate
        self.confidence = confidence
        self.warmup = warmup
        self.min_epochs = min_epochs
        self.refit_every = refit_every
        self._begin()

    def _forget(self) -> None:
        self._history = History(self.space)
        self._fitted: Surrogate | None = None
        self._results = 0

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """True where the training need not go on.

        Raises:
            InvalidStudy: the study does not maximize, or its values are no accuracies.
            InvalidSurrogate: the surrogate gives no std.
        """
        if len(trial.intermediate_values) < self.min_epochs:
            return False
        check_study(study)
        finished = _finished(study)
        longest = max((len(each.intermediate_values) for each in finished), default=0)
        if len(finished) < self.warmup or len(trial.intermediate_values) >= longest:
            return False
        with self._lock:
            return self._cannot_win(study, trial, finished)

    def _cannot_win(
        self, study: optuna.Study, trial: FrozenTrial, finished: Sequence[FrozenTrial]
    ) -> bool:
        self._turn_to(study)
        candidate = self._history.candidate(trial)
        known = self._history.corpus(finished).averaged
        if candidate is None or len(known) < self.warmup:
            return False
        query = Query(candidate.architecture, observed=observed(trial))
        said = predict(self._surrogate(known), [query])
        if said.std is None:
            raise InvalidSurrogate(
                "LearningCurvePruner needs a surrogate that gives a std, but "
                f"{type(self.surrogate).__name__} gives a mean only; take NuSVR or BNN, or wrap "
                "it in Calibrated"
            )
        best = float(known.targets.max())
        return _surely_below(best, float(said.mean[0]), float(said.std[0])) >= self.confidence

    def epochs_saved(self, study: optuna.Study) -> int:
        """Epochs that the pruned trials of a study did not take, against its longest training."""
        finished = _finished(study)
        longest = max((len(trial.intermediate_values) for trial in finished), default=0)
        pruned = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
        return sum(max(longest - len(trial.intermediate_values), 0) for trial in pruned)

    def _surrogate(self, known: Corpus) -> Surrogate:
        if self._fitted is None or len(known) >= self._results + self.refit_every:
            start = time.perf_counter()
            self._fitted = copy.deepcopy(self.surrogate)
            self._fitted.fit(known)
            self._results = len(known)
            name, spent = type(self.surrogate).__name__, time.perf_counter() - start
            _logger.info("%s fitted to %d curves in %.2f s", name, len(known), spent)
        return self._fitted


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    """Complete trials with a curve: of a network that was looked up there may be none."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [trial for trial in trials if trial.intermediate_values]


def _surely_below(best: float, mean: float, std: float) -> float:
    """P(y <= best) for a Gaussian y."""
    from scipy.special import ndtr

    if std == 0:
        return float(mean <= best)
    return float(ndtr((best - mean) / std))
