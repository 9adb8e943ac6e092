"""Search for real: rounds of proposals, trained by workers."""

from importlib import import_module

import numpy as np
import pytest
from optuna.trial import TrialState

from nas import Prediction, Surrogate
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.search import Greedy, PoolProposer, UpperConfidenceBound
from nas.studies import SurrogateSampler, search, take_in
from tests.nas.studies.toys import TASK, expected, facts, run, task, trials_of

search_module = import_module("nas.studies.search")  # whose name in the package is the function's
WARMUP, BATCH = 3, 2


class Costly(Surrogate):
    """The more parameters the better."""

    def fit(self, corpus):
        return self

    def predict(self, queries):
        return Prediction(np.array([query.architecture.params / 1e6 for query in queries]))


def sampler(**changes):
    settings = {
        "acquisition": Greedy(),
        "proposer": PoolProposer(60),
        "warmup": WARMUP,
        "refit_every": BATCH,
        "seed": TASK.seed,
    }
    return SurrogateSampler(TASK.space, **{"surrogate": Costly(), **settings, **changes})


def go(storage, networks=7, **more):
    return search(TASK, sampler(), storage=storage, study="toy", networks=networks, **more)


@pytest.fixture
def storage(tmp_path):
    return str(tmp_path / "study.db")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two rounds in one go: what came out, and what was said of each round."""
    rounds = []
    storage = tmp_path_factory.mktemp("whole") / "study.db"
    return go(storage, on_round=lambda *said: rounds.append(said)), rounds


def by_key(corpus):
    """Without the order, in which proposals have no say."""
    return {r.architecture.key: (r.index, r.seed, r.status, tuple(r.curve)) for r in corpus}


def test_random_networks_come_first_and_then_better_ones(whole):
    corpus, rounds = whole
    assert len(corpus) == len(by_key(corpus)) == 7
    assert facts(corpus)[:WARMUP] == expected(WARMUP)
    random, proposed = corpus[:WARMUP], corpus[WARMUP:]
    assert np.mean([r.params for r in proposed]) > np.mean([r.params for r in random])
    assert [(number, len(before), len(batch)) for number, before, batch in rounds] == [
        (1, 3, 2),
        (2, 5, 2),
    ]


@pytest.mark.slow
def test_workers_stops_and_goes_change_nothing(storage, whole):
    for networks in (4, 7):
        pieces = go(storage, networks, workers=2)
    assert by_key(pieces) == by_key(whole[0])


def test_a_round_that_was_asked_for_is_trained_after_a_crash(storage, whole):
    class Crash(Exception):
        pass

    def crash(number, before, batch):
        raise Crash

    with pytest.raises(Crash):
        go(storage, on_round=crash)
    assert by_key(go(storage, 5)).items() < by_key(whole[0]).items()


def test_a_round_that_a_faster_machine_wrote_meanwhile_counts(storage, whole, monkeypatch):
    ask, theirs = search_module._asked, []

    def overtaken(own, trials, number):
        theirs.append(ask(own, trials, number))
        search_module._keep(trials, len(theirs) - 1, theirs[-1])
        return ask(sampler(proposer=PoolProposer(3)), trials, number)

    monkeypatch.setattr(search_module, "_asked", overtaken)
    assert by_key(go(storage)) == by_key(whole[0]) and len(theirs) == 2


def test_it_goes_on_from_what_collect_trained(storage, whole):
    run(storage, networks=WARMUP)
    assert by_key(go(storage, 5)).items() < by_key(whole[0]).items()
    complete = [t for t in trials_of(storage) if t.state == TrialState.COMPLETE]
    assert len(complete) == 5


def test_it_learns_from_a_corpus_that_was_taken_in(storage, whole):
    first_round = [candidate.architecture.key for candidate in whole[1][0][2]]
    known = whole[0].filter(lambda r: r.index is not None or r.architecture.key in first_round)
    take_in(TASK, known, storage=storage, study="toy")
    rounds = []
    go(storage, 5, on_round=lambda *said: rounds.append(said))
    ((_, before, batch),) = rounds
    assert len(before) == 5
    assert not {candidate.architecture.key for candidate in batch} & set(by_key(known))


def test_sampler_and_task_must_belong_together(storage):
    with pytest.raises(InvalidOption, match="seed"):
        search(task(seed=8), sampler(), storage=storage, study="toy", networks=4)


class Broken(Costly):
    def fit(self, corpus):
        raise KeyError("blocks")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"surrogate": Broken()},
            r"3 networks, but .* KeyError: 'blocks' \(.*test_search.py, line",
        ),
        ({"acquisition": UpperConfidenceBound()}, "UpperConfidenceBound needs"),
    ],
)
def test_a_surrogate_that_cannot_do_it_is_told_before_anything_is_trained(storage, changes, said):
    with pytest.raises(InvalidSurrogate, match=said):
        search(TASK, sampler(**changes), storage=storage, study="toy", networks=7)
    assert trials_of(storage) == []


def test_a_rehearsal_leaves_the_sampler_as_it_was():
    rehearsed = sampler()
    rehearsed.rehearse()
    assert rehearsed.propose([], {}) == sampler().propose([], {})
