import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.core.choices import Ask, Draw, Mutate, Replay, draw
from nas.core.errors import InvalidArchitecture
from search_spaces import BlockSpace

SPACE = BlockSpace()
seeds = st.integers(0, 2**32 - 1)


class Trial:
    """Answers as Optuna does: one name, one list of options, kept for the whole study."""

    def __init__(self, rng, seen):
        self.rng, self.seen, self.params = rng, seen, {}

    def suggest_categorical(self, name, choices):
        assert self.seen.setdefault(name, tuple(choices)) == tuple(choices), name
        self.params[name] = choices[int(self.rng.integers(len(choices)))]
        return self.params[name]


@given(seeds)
def test_replay_reproduces_what_was_drawn(seed):
    drawn = Draw(np.random.default_rng(seed))
    network = SPACE.generate(drawn)
    replayed = Replay(drawn.decisions)
    assert SPACE.generate(replayed) == network
    assert replayed.decisions == drawn.decisions


def test_ask_never_shows_two_lists_of_options_under_one_name():
    seen, rng = {}, np.random.default_rng(0)
    for _ in range(500):
        trial = Trial(rng, seen)
        asked = Ask(trial)
        network = SPACE.generate(asked)
        assert asked.decisions == trial.params
        assert SPACE.generate(Replay(trial.params)) == network
        assert 1 <= sum(layer.op == "conv" for layer in network.blocks[0]) <= 3


@given(seeds, seeds)
def test_a_mutation_changes_one_site_and_keeps_what_it_can(seed, other):
    rng = np.random.default_rng(seed)
    drawn = Draw(rng)
    SPACE.generate(drawn)
    site = sorted(drawn.decisions)[other % len(drawn.decisions)]
    mutated = Mutate(drawn.decisions, site, rng)
    network = SPACE.generate(mutated)
    if site in mutated.decisions:
        possible = len(drawn.options[site]) > 1
        assert (mutated.decisions[site] != drawn.decisions[site]) == possible
    kept = mutated.decisions.keys() & drawn.decisions.keys() - {site}
    assert all(mutated.decisions[name] == drawn.decisions[name] for name in kept)
    assert 1 <= sum(layer.op == "conv" for layer in network.blocks[0]) <= 3


def test_a_repeated_question_gets_the_same_answer():
    choose = Draw(np.random.default_rng(0))
    assert len({choose("a", range(1000)) for _ in range(50)}) == 1


def test_replay_names_the_question_that_it_cannot_answer():
    with pytest.raises(InvalidArchitecture, match="'block0/length'"):
        SPACE.generate(Replay({}))
    with pytest.raises(InvalidArchitecture, match="got 99"):
        SPACE.generate(Replay({"block0/length": 99}))


def test_weights_are_followed_and_zero_is_never_drawn():
    rng = np.random.default_rng(0)
    answers = [draw(rng, ("a", "b", "c"), (1.0, 0.0, 3.0)) for _ in range(4000)]
    assert answers.count("b") == 0
    assert abs(answers.count("a") / 4000 - 0.25) < 0.03
    with pytest.raises(InvalidArchitecture, match="sum above 0"):
        draw(rng, ("a",), (0.0,))
