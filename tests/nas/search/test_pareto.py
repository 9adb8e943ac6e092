import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.core.choices import Draw
from nas.core.errors import InvalidOption
from nas.search import ParetoProposer, pareto_front
from nas.search.pareto import front
from nas.testing import ToySpace, toy_corpus
from nas.testing.toy import toy_accuracy

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


@given(PAIRS)
def test_the_front_is_what_nothing_dominates(pairs):
    values, costs = (np.array([pair[i] for pair in pairs], float) for i in (0, 1))
    places = front(values, costs)

    def dominates(a, b):
        better = values[a] >= values[b] and costs[a] <= costs[b]
        return better and (values[a] > values[b] or costs[a] < costs[b])

    everyone = range(len(pairs))
    unbeaten = {b for b in everyone if not any(dominates(a, b) for a in everyone)}
    assert set(places) <= unbeaten
    assert {pairs[p] for p in places} == {pairs[p] for p in unbeaten}
    assert (np.diff(costs[places]) > 0).all()
    assert (np.diff(values[places]) > 0).all()


@pytest.mark.parametrize("cost", ["macs", "params"])
def test_the_front_of_a_corpus(cost):
    corpus = toy_corpus(40)
    records = list(pareto_front(corpus, cost))
    assert max(r.target for r in corpus.finished) == records[-1].target
    costs = [getattr(record, cost) for record in records]
    assert costs == sorted(costs)
    assert min(getattr(r, cost) for r in corpus.finished) == costs[0]


def test_an_unknown_cost_is_refused():
    with pytest.raises(InvalidOption, match="macs or params"):
        pareto_front(toy_corpus(5), "seconds")
    with pytest.raises(InvalidOption, match="macs or params"):
        ParetoProposer("seconds")


def test_proposals_lie_along_the_front_of_what_the_space_has():
    space, rng = ToySpace(), np.random.default_rng(0)

    def score(architectures):
        return np.array([toy_accuracy(each) for each in architectures])

    found = ParetoProposer(budget=600, population=40).propose(space, score, 8, rng)
    costs = np.array([each.architecture.macs for each in found])
    assert len(found) == 8
    assert (np.diff(costs) < 0).all()  # the best first: it is the dearest
    drawn = [space.generate(Draw(rng)) for _ in range(600)]
    assert costs[-1] <= np.percentile([each.macs for each in drawn], 5)
    assert found[0].score >= np.percentile(score(drawn), 99)
