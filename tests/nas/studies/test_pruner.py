"""The pruner in a user's plain `study.optimize`."""

import pickle
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from nas import Prediction, Surrogate
from nas.core.choices import Ask
from nas.core.errors import InvalidOption, InvalidStudy, InvalidSurrogate
from nas.evaluators import FunctionEvaluator
from nas.studies import LearningCurvePruner, Objective, SpaceSampler, replay
from nas.testing import ToySpace
from nas.testing.toy import toy_accuracy
from surrogates import Constant, NuSVR

SPACE = ToySpace()
EPOCHS = 8


def curve(architecture):
    final = toy_accuracy(architecture)
    return [final * (1 - 0.6**epoch) for epoch in range(1, EPOCHS + 1)]


class Slope(Surrogate):
    """Knows how curves end; counts its fits."""

    reads_curves = True
    std = 0.001
    fits = 0

    def fit(self, corpus):
        assert all(len(record.curve) == EPOCHS for record in corpus)
        Slope.fits += 1
        return self

    def predict(self, queries):
        final = [q.observed[-1] / (1 - 0.6 ** len(q.observed)) * (1 - 0.6**EPOCHS) for q in queries]
        return Prediction(np.array(final), np.full(len(queries), self.std))


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    Slope.fits = 0
    yield
    optuna.logging.set_verbosity(before)


def study_with(pruner, trials=30, space=SPACE):
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(space), pruner=pruner)
    study.optimize(Objective(space, FunctionEvaluator(curve)), n_trials=trials)
    return study


def test_what_will_not_beat_the_best_is_stopped_and_nothing_else():
    pruner = LearningCurvePruner(SPACE, Slope(), warmup=5)
    study = study_with(pruner)
    best = -1.0
    for trial in study.trials:
        final = toy_accuracy(SPACE.generate(Ask(optuna.trial.FixedTrial(trial.params))))
        wins = final * (1 - 0.6**EPOCHS) > best
        if trial.number >= 5:
            assert (trial.state == TrialState.PRUNED) == (not wins)
        if trial.state == TrialState.COMPLETE:
            best = max(best, trial.value)


def test_the_first_trainings_and_epochs_are_left_alone():
    study = study_with(LearningCurvePruner(SPACE, Slope(), warmup=10, min_epochs=3))
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials[:10])
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    assert pruned
    assert {len(trial.intermediate_values) for trial in pruned} == {3}


def test_epochs_saved_are_counted():
    pruner = LearningCurvePruner(SPACE, Slope(), warmup=5)
    study = study_with(pruner)
    done = sum(len(trial.intermediate_values) for trial in study.trials)
    assert pruner.epochs_saved(study) == 30 * EPOCHS - done > 0


def test_the_last_epoch_is_never_stopped_for_it_would_save_nothing():
    pruner = LearningCurvePruner(SPACE, Slope(), warmup=5, min_epochs=EPOCHS)
    study = study_with(pruner, trials=15)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_threads_fit_once():
    unsure = Slope()
    unsure.std = 10.0
    pruner = LearningCurvePruner(SPACE, unsure, warmup=5, refit_every=100)
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(SPACE), pruner=pruner)
    study.optimize(Objective(SPACE, FunctionEvaluator(curve)), n_trials=24, n_jobs=4)
    assert Slope.fits == 1


def test_an_unsure_surrogate_stops_nothing():
    unsure = Slope()
    unsure.std = 10.0
    pruner = LearningCurvePruner(SPACE, unsure, warmup=5)
    assert pruner.epochs_saved(study_with(pruner)) == 0


def test_it_is_fitted_again_after_so_many_finished_trainings():
    unsure = Slope()
    unsure.std = 10.0
    study_with(LearningCurvePruner(SPACE, unsure, warmup=5, refit_every=10))
    assert Slope.fits == 3  # after 5, 15 and 25


def test_a_pickled_pruner_goes_on():
    pruner = LearningCurvePruner(SPACE, Slope(), warmup=5)
    study = study_with(pruner, trials=10)
    study.pruner = pickle.loads(pickle.dumps(pruner))
    study.optimize(Objective(SPACE, FunctionEvaluator(curve)), n_trials=10)
    assert study.pruner.epochs_saved(study) > 0


def test_a_support_vector_machine_saves_epochs_and_keeps_the_best():
    svr = NuSVR("linear", draws=5)
    pruner = LearningCurvePruner(SPACE, svr, warmup=10, min_epochs=2, refit_every=40)
    study = study_with(pruner, trials=40)
    assert pruner.epochs_saved(study) > 0.4 * 30 * EPOCHS
    finals = [
        toy_accuracy(SPACE.generate(Ask(optuna.trial.FixedTrial(trial.params))))
        for trial in study.trials
    ]
    assert study.best_value > (max(finals) - 0.005) * (1 - 0.6**EPOCHS)


def test_a_replay_counts_the_epochs():
    pruner = LearningCurvePruner(SPACE, Slope(), warmup=5)
    records = replay(SpaceSampler(SPACE), SPACE, FunctionEvaluator(curve), 20, pruner=pruner)
    assert [len(record.curve) for record in records[:5]] == [EPOCHS] * 5
    stopped = [record for record in records if record.status == "pruned"]
    assert stopped
    assert all(len(record.curve) < EPOCHS for record in stopped)


def test_a_replay_takes_a_timeout_for_stopped():
    class Slow(FunctionEvaluator):
        def evaluate(self, *args):
            return replace(super().evaluate(*args), status="timeout")

    class Seeing(SpaceSampler):
        def after_trial(self, study, trial, state, values):
            states.append((state, values))

    states = []
    assert len(replay(Seeing(SPACE), SPACE, Slow(curve), 2)) == 2
    assert [state for state, _ in states] == [TrialState.PRUNED] * 2


def test_a_surrogate_that_reads_no_curves_is_refused():
    with pytest.raises(InvalidOption, match="must read curves"):
        LearningCurvePruner(SPACE, Constant())


def test_a_surrogate_without_std_is_refused():
    class Certain(Slope):
        def predict(self, queries):
            return Prediction(super().predict(queries).mean)

    with pytest.raises(InvalidSurrogate, match="gives a mean only"):
        study_with(LearningCurvePruner(SPACE, Certain(), warmup=3), trials=5)


@pytest.mark.parametrize("confidence", [0, 1, 1.5])
def test_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(InvalidOption, match="confidence"):
        LearningCurvePruner(SPACE, Slope(), confidence)


def test_percentages_are_refused():
    percent = FunctionEvaluator(curve)
    pruner = LearningCurvePruner(SPACE, Slope(), warmup=2)
    study = optuna.create_study(direction="maximize", pruner=pruner)

    def objective(trial):
        network = SPACE.generate(Ask(trial))
        for epoch in (1, 2):
            trial.report(100 * percent.evaluate(network).target, epoch)
            trial.should_prune()
        return 100 * percent.evaluate(network).target

    with pytest.raises(InvalidStudy, match="divide percentages"):
        study.optimize(objective, n_trials=5)
