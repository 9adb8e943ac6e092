import numpy as np
import pytest

from nas import Candidate
from nas.core.choices import Draw
from nas.search import EvolutionProposer, PoolProposer
from nas.search.candidates import made
from nas.search.evolution import offspring, tournament
from nas.testing import ToySpace
from nas.testing.toy import toy_accuracy
from search_spaces import BlockSpace

SPACE = BlockSpace()


def parent(seed=0, space=SPACE):
    choose, network = made(space, Draw(np.random.default_rng(seed)))
    return Candidate(network, 0.5, choose.decisions, choose.options)


def test_a_child_differs_from_its_parent_and_from_what_is_known():
    rng, one = np.random.default_rng(1), parent()
    known = {one.architecture.key}
    for _ in range(50):
        _, child = offspring(SPACE, one, known, rng)
        assert child.key not in known
        known.add(child.key)


def test_a_child_keeps_most_decisions():
    rng, one = np.random.default_rng(1), parent()
    kept = []
    for _ in range(40):
        choose, _ = offspring(SPACE, one, {one.architecture.key}, rng)
        same = sum(choose.decisions.get(name) == value for name, value in one.decisions.items())
        kept.append(same / len(one.decisions))
    assert np.median(kept) > 0.7


def test_a_space_that_is_all_known_gives_a_known_one():
    class Single(ToySpace):
        def generate(self, choose):
            return super().generate(Draw(np.random.default_rng(0)))

    one = parent(space=Single())
    _, child = offspring(Single(), one, {one.architecture.key}, np.random.default_rng(0))
    assert child.key == one.architecture.key


def test_the_best_of_a_sample_wins():
    living = [Candidate(parent(seed).architecture, float(seed)) for seed in range(5)]
    rng = np.random.default_rng(0)
    assert tournament(living, 100, rng).score == 4.0
    assert {tournament(living, 1, rng).score for _ in range(100)} == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_it_finds_better_networks_than_a_pool_of_the_same_size():
    def score(architectures):
        return np.array([toy_accuracy(each) - each.params / 1e7 for each in architectures])

    means = {}
    for proposer in (EvolutionProposer(400, 60, 8, 20), PoolProposer(400)):
        found = [
            proposer.propose(SPACE, score, 5, np.random.default_rng(seed))[0].score
            for seed in range(5)
        ]
        means[type(proposer).__name__] = np.mean(found)
    assert means["EvolutionProposer"] > means["PoolProposer"]


@pytest.mark.parametrize("budget", [1, 7, 100])
def test_the_budget_is_kept(budget):
    scored = []

    def score(architectures):
        scored.extend(architectures)
        return np.zeros(len(architectures))

    EvolutionProposer(budget, 10, 3, 8).propose(SPACE, score, 3, np.random.default_rng(0))
    assert len(scored) == budget
