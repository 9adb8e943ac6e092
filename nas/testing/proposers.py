"""What every proposer keeps to."""

# ruff: noqa: D102 - a test says by its name what it checks

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nas.core.architecture import Architecture
from nas.core.choices import Replay
from nas.core.interfaces import Candidate, Proposer, SearchSpace
from nas.testing.toy import ToySpace, toy_accuracy


def score(architectures: Sequence[Architecture]) -> np.ndarray:
    """The made-up accuracy of toy networks; those above 40,000 MACs are forbidden."""
    return np.array([toy_accuracy(a) if a.macs <= 40_000 else -np.inf for a in architectures])


def nothing_allowed(architectures: Sequence[Architecture]) -> np.ndarray:
    """Forbids everything."""
    return np.full(len(architectures), -np.inf)


class ProposerContract:
    """Checks of a proposer; override the fixture `proposer`, with a budget of some 100."""

    @pytest.fixture
    def proposer(self) -> Proposer:
        """A proposer."""
        raise NotImplementedError("override the fixture 'proposer': return an instance")

    @pytest.fixture
    def space(self) -> SearchSpace:
        """The toy space."""
        return ToySpace()

    @pytest.fixture
    def found(self, proposer: Proposer, space: SearchSpace) -> list[Candidate]:
        """Five candidates."""
        return proposer.propose(space, score, 5, np.random.default_rng(0))

    def test_gives_some_and_at_most_k(self, found: list[Candidate]) -> None:
        assert 1 <= len(found) <= 5

    def test_they_are_different(self, found: list[Candidate]) -> None:
        assert len({each.architecture.key for each in found}) == len(found)

    def test_the_best_comes_first(self, found: list[Candidate]) -> None:
        scores = [each.score for each in found]
        assert scores == sorted(scores, reverse=True)

    def test_scores_are_those_of_the_architectures(self, found: list[Candidate]) -> None:
        assert [each.score for each in found] == pytest.approx(
            list(score([each.architecture for each in found]))
        )

    def test_decisions_make_the_architecture(
        self, found: list[Candidate], space: SearchSpace
    ) -> None:
        for each in found:
            made = space.canonical(space.generate(Replay(each.decisions)))
            assert made == each.architecture
            assert each.options.keys() == each.decisions.keys()
            assert all(each.decisions[name] in each.options[name] for name in each.decisions)

    def test_the_forbidden_is_never_proposed(
        self, proposer: Proposer, space: SearchSpace, found: list[Candidate]
    ) -> None:
        assert all(np.isfinite(each.score) for each in found)
        assert proposer.propose(space, nothing_allowed, 3, np.random.default_rng(0)) == []

    def test_the_same_random_numbers_give_the_same(
        self, proposer: Proposer, space: SearchSpace, found: list[Candidate]
    ) -> None:
        again = proposer.propose(space, score, 5, np.random.default_rng(0))
        assert [each.architecture.key for each in again] == [e.architecture.key for e in found]
