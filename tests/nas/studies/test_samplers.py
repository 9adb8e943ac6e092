"""The samplers in a user's plain `study.optimize`."""

import multiprocessing
import os
import pickle
import signal
import time
from collections import Counter
from itertools import islice
from typing import ClassVar

import numpy as np
import optuna
import pytest
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from nas import Prediction, Surrogate
from nas.core.choices import Ask, Draw, Replay
from nas.core.errors import InvalidOption, InvalidStudy, InvalidSurrogate
from nas.core.limits import Limits
from nas.search import EvolutionProposer, Greedy, PoolProposer
from nas.studies import EvolutionSampler, SpaceSampler, SurrogateSampler, stream
from nas.testing import ToySpace
from nas.testing.toy import toy_accuracy
from surrogates import GaussianProcess, LastValue

SPACE = ToySpace()
SMALL = EvolutionProposer(budget=100, population=20, batch=20)


class Toy(Surrogate):
    """Knows the truth; counts its fits."""

    fits: ClassVar[list[int]] = []

    def fit(self, corpus):
        Toy.fits.append(len(corpus))
        return self

    def predict(self, queries):
        mean = np.array([toy_accuracy(query.architecture) for query in queries])
        return Prediction(mean, np.full(len(mean), 0.01))


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    Toy.fits.clear()
    yield
    optuna.logging.set_verbosity(before)


def objective(trial):
    return toy_accuracy(SPACE.generate(Ask(trial)))


def keys(study):
    return [SPACE.generate(Replay(trial.params)).key for trial in study.trials]


def keys_of(study, numbers):
    return [SPACE.generate(Replay(study.trials[number].params)).key for number in numbers]


def search(**settings):
    settings = {"warmup": 5, "refit_every": 5, "proposer": PoolProposer(200), **settings}
    return SurrogateSampler(SPACE, Toy(), **settings)


SAMPLERS = {
    "space": lambda: SpaceSampler(SPACE),
    "evolution": lambda: EvolutionSampler(SPACE, population=6, sample=3),
    "surrogate": search,
    "process": lambda: SurrogateSampler(SPACE, GaussianProcess(), proposer=SMALL, warmup=5),
}


@pytest.fixture(params=SAMPLERS)
def sampler(request):
    return SAMPLERS[request.param]()


def test_no_architecture_comes_twice(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=25)
    assert len(set(keys(study))) == 25


def test_it_begins_as_collecting_does(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=5)
    streamed = [sampled.architecture.key for sampled in islice(stream(SPACE, 0), 5)]
    assert keys(study) == streamed


def test_limits_hold(sampler):
    sampler.limits = Limits(max_macs=30_000)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=15)
    assert all(SPACE.generate(Replay(t.params)).macs <= 30_000 for t in study.trials)


def test_after_a_restart_it_goes_on(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=8)
    study.sampler = pickle.loads(pickle.dumps(sampler))
    study.optimize(objective, n_trials=8)
    assert len(set(keys(study))) == 16


def test_a_sampler_may_serve_another_study_of_the_same_name(sampler):
    for scale in (1.0, 0.1):
        study = optuna.create_study(study_name="same", direction="maximize", sampler=sampler)
        study.optimize(lambda trial, scale=scale: scale * objective(trial), n_trials=7)
        assert len(set(keys(study))) == 7


def test_the_surrogate_of_another_study_learns_from_that_one():
    seen = []

    class Watched(Toy):
        def fit(self, corpus):
            seen.append(corpus.targets.max())
            return self

    sampler = SurrogateSampler(SPACE, Watched(), proposer=SMALL, warmup=5)
    for scale in (1.0, 0.1):
        study = optuna.create_study(study_name="same", direction="maximize", sampler=sampler)
        study.optimize(lambda trial, scale=scale: scale * objective(trial), n_trials=6)
    assert len(seen) == 2
    assert seen[1] == pytest.approx(seen[0] / 10)


def test_a_retried_trial_trains_what_it_claimed(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=6)
    killed = study.ask()
    killed.suggest_categorical("depth", [1, 2, 3])  # it dies between two questions
    half = study._storage.get_trial(killed._trial_id)
    study._storage.set_trial_state_values(killed._trial_id, TrialState.FAIL)
    study.add_trial(  # as Optuna's callback does
        optuna.create_trial(
            state=TrialState.WAITING,
            params=half.params,
            distributions=half.distributions,
            system_attrs=half.system_attrs,
        )
    )
    study.optimize(objective, n_trials=8)
    plans = [trial.system_attrs["nas:architecture"]["key"] for trial in study.trials]
    finished = [t.number for t in study.trials if t.state == TrialState.COMPLETE]
    made = keys_of(study, finished)
    assert [plans[number] for number in finished] == made
    assert plans[6] in made
    assert len(set(made)) == len(made)


def test_a_trial_asked_of_another_sampler_gets_a_plan_when_it_suggests(sampler):
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=6)
    trial = study.ask()
    study.sampler = sampler
    made = SPACE.generate(Ask(trial)).key
    attributes = study.trials[-1].system_attrs
    assert attributes["nas:architecture"]["key"] == made
    assert made not in keys_of(study, range(6))


def test_what_is_enqueued_is_trained_and_what_it_lacks_is_drawn(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial({"depth": 3, "0/kernel": 5})
    study.optimize(objective, n_trials=2)
    assert study.trials[0].params["depth"] == 3
    assert study.trials[0].params["0/kernel"] == 5
    assert len(set(keys(study))) == 2


def test_what_is_enqueued_without_a_decision_leaves_the_choice_to_the_sampler(sampler):
    sampler.limits = Limits(max_macs=30_000)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(8):
        study.enqueue_trial({"rate": 0.5})
    study.optimize(lambda trial: objective(trial) * trial.suggest_float("rate", 0, 1), n_trials=8)
    assert all(SPACE.generate(Replay(trial.params)).macs <= 30_000 for trial in study.trials)
    assert {trial.params["rate"] for trial in study.trials} == {0.5}


def test_what_cannot_be_is_not_enqueued(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial({"depth": 9})
    with pytest.raises(InvalidStudy, match="'depth' must be enqueued with one of"):
        study.optimize(objective, n_trials=1)


def test_an_exhausted_space_is_told_each_time():
    class Small(ToySpace):
        def generate(self, choose):
            few = Draw(np.random.default_rng(choose("which", (1, 2))))
            return super().generate(few)

    small = Small()
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(small))
    study.optimize(lambda trial: toy_accuracy(small.generate(Ask(trial))), n_trials=2)
    for _ in range(2):
        with pytest.raises(InvalidOption, match="search space must hold more"):
            study.ask()


def test_other_parameters_of_the_objective_are_drawn(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def with_rate(trial):
        return objective(trial) * trial.suggest_float("rate", 0.1, 1.0)

    study.optimize(with_rate, n_trials=7)
    study.sampler = pickle.loads(pickle.dumps(sampler))  # as in another worker
    study.optimize(with_rate, n_trials=7)
    assert len({trial.params["rate"] for trial in study.trials}) == 14


def test_threads_share_a_sampler(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=16, n_jobs=4)
    assert len(set(keys(study))) == 16


def test_the_surrogate_leads_to_better_networks_than_chance():
    study = optuna.create_study(direction="maximize", sampler=search())
    study.optimize(objective, n_trials=20)
    values = [trial.value for trial in study.trials]
    assert min(values[5:]) > np.median(values[:5])
    rng = np.random.default_rng(9)
    drawn = [toy_accuracy(SPACE.generate(Draw(rng))) for _ in range(200)]
    assert max(values) >= max(drawn)


def test_it_is_fitted_again_after_so_many_results():
    study = optuna.create_study(direction="maximize", sampler=search())
    study.optimize(objective, n_trials=16)
    assert Toy.fits == [5, 10, 15]
    fitted = [t.number for t in study.trials if "nas:fit_seconds" in t.system_attrs]
    assert fitted == [5, 10, 15]


def test_the_same_seed_gives_the_same_search():
    found = []
    for seed in (0, 0, 1):
        study = optuna.create_study(direction="maximize", sampler=search(seed=seed))
        study.optimize(objective, n_trials=12)
        found.append(keys(study))
    assert found[0] == found[1] != found[2]


def test_what_is_asked_but_not_told_is_not_proposed_again(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=7)
    asked = [study.ask() for _ in range(10)]
    made = [SPACE.generate(Ask(trial)).key for trial in asked]
    assert len(set(made)) == 10
    assert not set(made) & set(keys(study)[:7])


def test_what_failed_is_tried_once_more_and_then_left_alone():
    asked = Counter()
    study = optuna.create_study(direction="maximize", sampler=SpaceSampler(SPACE))

    def fails(trial):
        key = SPACE.generate(Ask(trial)).key
        asked[key] += 1
        if key == first:
            raise MemoryError
        return 0.5

    first = next(stream(SPACE, 0)).architecture.key
    study.optimize(fails, n_trials=6, catch=(MemoryError,))
    assert asked[first] == 2
    assert len(asked) == 5


def test_pruned_trials_count_as_results():
    study = optuna.create_study(direction="maximize", sampler=search())

    def mostly_pruned(trial):
        value = objective(trial)
        trial.report(value / 2, 1)
        if trial.number >= 5:
            raise optuna.TrialPruned
        return value

    study.optimize(mostly_pruned, n_trials=16)
    assert Toy.fits == [5, 10, 15]


def test_the_acquisition_is_told_the_best_network_and_nothing_of_other_trials():
    told = []

    class Watching(Greedy):
        def score(self, prediction, best):
            told.append(best)
            return super().score(prediction, best)

    study = optuna.create_study(direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("x", 50, 100), n_trials=30)
    study.sampler = search(acquisition=Watching())
    study.optimize(objective, n_trials=6)
    assert told
    assert max(told) <= 1
    assert Toy.fits == [5]


def test_many_workers_that_begin_at_once_learn_from_half_of_the_warm_up():
    study = optuna.create_study(direction="maximize", sampler=search(warmup=8))
    asked = [study.ask() for _ in range(8)]
    values = [objective(trial) for trial in asked]
    for told in range(3):
        study.tell(asked[told], values[told])
    objective(study.ask())
    assert Toy.fits == []
    study.tell(asked[3], values[3])
    objective(study.ask())
    assert Toy.fits == [4]


def test_pruned_networks_are_not_tried_again(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def pruned(trial):
        if trial.number % 2 and SPACE.generate(Ask(trial)):
            raise optuna.TrialPruned
        return objective(trial)

    study.optimize(pruned, n_trials=14)
    assert len(set(keys(study))) == 14


def test_a_study_that_minimizes_is_refused(sampler):
    study = optuna.create_study(direction="minimize", sampler=sampler)
    with pytest.raises(InvalidStudy, match="maximize"):
        study.optimize(objective, n_trials=1)


def test_values_that_are_no_accuracies_are_refused():
    study = optuna.create_study(direction="maximize", sampler=search())
    with pytest.raises(InvalidStudy, match="divide percentages by 100"):
        study.optimize(lambda trial: 100 * objective(trial), n_trials=6)


def test_an_objective_with_another_space_is_refused(sampler):
    study = optuna.create_study(direction="maximize", sampler=sampler)
    with pytest.raises(InvalidStudy, match="depth"):
        study.optimize(lambda trial: trial.suggest_categorical("depth", [7, 8]), n_trials=1)


def test_a_surrogate_that_reads_curves_is_refused():
    with pytest.raises(InvalidOption, match="LastValue reads curves"):
        SurrogateSampler(SPACE, LastValue())


def test_a_surrogate_without_std_needs_another_acquisition():
    class Certain(Toy):
        def predict(self, queries):
            return Prediction(super().predict(queries).mean)

    study = optuna.create_study(
        direction="maximize", sampler=SurrogateSampler(SPACE, Certain(), warmup=3)
    )
    with pytest.raises(InvalidSurrogate, match="UpperConfidenceBound needs"):
        study.optimize(objective, n_trials=4)
    study.sampler = SurrogateSampler(SPACE, Certain(), Greedy(), warmup=3)
    study.optimize(objective, n_trials=4)


def test_what_another_space_made_is_left_out():
    study = optuna.create_study(direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    study.sampler = search()
    study.optimize(objective, n_trials=6)
    assert Toy.fits == [5]  # the two are no networks of this space


def shared(url):
    return RDBStorage(
        url,
        engine_kwargs={"connect_args": {"timeout": 60}},
        heartbeat_interval=1,
        grace_period=3,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
    )


def worker(url, seconds, networks):
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def slowly(trial):
        value = objective(trial)
        time.sleep(seconds)
        return value

    study = optuna.load_study(study_name="s", storage=shared(url), sampler=search())
    stop = optuna.study.MaxTrialsCallback(networks, states=(TrialState.COMPLETE,))
    study.optimize(slowly, callbacks=[stop])


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("networks", [15, pytest.param(60, marks=pytest.mark.slow)])
def test_two_workers_one_killed_train_different_networks(tmp_path, networks):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(
        study_name="s", storage=shared(url), direction="maximize", sampler=search()
    )
    spawn = multiprocessing.get_context("spawn")
    killed, other = (spawn.Process(target=worker, args=(url, 0.02, networks)) for _ in range(2))
    killed.start()
    other.start()
    while len(study.get_trials(states=(TrialState.COMPLETE,))) < networks // 3:
        assert killed.is_alive()
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    other.join(120)
    assert other.exitcode == 0
    finished = study.get_trials(states=(TrialState.COMPLETE,))
    made = [SPACE.generate(Replay(trial.params)).key for trial in finished]
    assert len(made) >= networks
    assert len(set(made)) == len(made)
    lost = [t for t in study.trials if t.state == TrialState.FAIL]
    assert {t.system_attrs["nas:architecture"]["key"] for t in lost} <= set(made)
    claimed = [t.system_attrs["nas:architecture"]["key"] for t in finished]
    assert claimed == made
