import numpy as np
import pytest

from nas import Prediction, Surrogate
from nas.core.choices import Replay
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.limits import Limits
from nas.search import Greedy, OptunaProposer, PoolProposer, surrogate_score
from search_spaces import BlockSpace

SPACE = BlockSpace()
PROPOSERS = [
    PoolProposer(budget=150, batch=40),
    OptunaProposer(budget=60, batch=20),
    OptunaProposer("RandomSampler", budget=60, batch=20),
]


class Deep(Surrogate):
    """The more layers the better; remembers the largest batch it was asked."""

    largest = 0

    def fit(self, corpus):
        return self

    def predict(self, queries):
        self.largest = max(self.largest, len(queries))
        return Prediction(np.array([len(q.architecture.layers()) / 100 for q in queries]))


@pytest.mark.parametrize("proposer", PROPOSERS, ids=lambda p: type(p).__name__)
def test_candidates_keep_within_limits_and_are_scored_in_batches(proposer):
    surrogate = Deep()
    limits = Limits(max_params=60_000, max_macs=4_000_000)
    score = surrogate_score(surrogate, Greedy(), limits=limits)
    found = proposer.propose(SPACE, score, 5, np.random.default_rng(0))
    assert 0 < len(found) <= 5
    assert all(c.architecture.params <= 60_000 and c.architecture.macs <= 4_000_000 for c in found)
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    assert len({c.architecture.key for c in found}) == len(found)
    assert all(SPACE.generate(Replay(c.decisions)) == c.architecture for c in found)
    assert 5 < surrogate.largest <= proposer.batch


@pytest.mark.parametrize("proposer", PROPOSERS[:2], ids=lambda p: type(p).__name__)
def test_what_is_excluded_is_not_proposed_again(proposer):
    first = proposer.propose(SPACE, surrogate_score(Deep(), Greedy()), 5, np.random.default_rng(1))
    keys = {candidate.architecture.key for candidate in first}
    score = surrogate_score(Deep(), Greedy(), exclude=keys)
    again = proposer.propose(SPACE, score, 5, np.random.default_rng(1))
    assert not keys & {candidate.architecture.key for candidate in again}


def test_nothing_is_proposed_where_nothing_is_allowed():
    score = surrogate_score(Deep(), Greedy(), limits=Limits(max_params=1))
    for proposer in PROPOSERS:
        assert proposer.propose(SPACE, score, 5, np.random.default_rng(0)) == []


@pytest.mark.slow
def test_the_tpe_sampler_finds_deeper_networks_than_the_first_it_tried():
    found = OptunaProposer(budget=200, batch=10).propose(
        SPACE, surrogate_score(Deep(), Greedy()), 200, np.random.default_rng(0)
    )
    scores = [candidate.score for candidate in found]
    assert scores[0] > np.mean(scores) + np.std(scores)


@pytest.mark.parametrize("settings", [{"budget": 0}, {"batch": 0}])
@pytest.mark.parametrize("proposer", [PoolProposer, OptunaProposer])
def test_a_budget_below_one_is_told(proposer, settings):
    with pytest.raises(InvalidOption, match="at least 1"):
        proposer(**settings)


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (Prediction(np.zeros(3)), r"shape \(2,\) for 2 queries, but got \(3,\)"),
        (Prediction(np.array([0.5, np.nan])), "1 of 2 in mean are NaN"),
        (Prediction(np.zeros(2), std=np.zeros((2, 1))), "std of shape"),
        (Prediction(np.zeros(2), std=-np.ones(2)), "std >= 0"),
        (Prediction(np.zeros(2), samples=np.zeros((4, 3))), "samples of shape"),
        (np.zeros(2), "return Prediction"),
    ],
)
def test_a_surrogate_that_answers_wrongly_is_named(said, part):
    class Wrong(Deep):
        def predict(self, queries):
            return said

    score = surrogate_score(Wrong(), Greedy())
    with pytest.raises(InvalidSurrogate, match=f"(?s)Wrong.predict .*{part}"):
        PoolProposer(budget=2).propose(SPACE, score, 1, np.random.default_rng(0))
