"""What every search space keeps to."""

# ruff: noqa: D102 - a test says by its name what it checks

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nas.core.architecture import Architecture, Input
from nas.core.choices import Ask, Draw, Mutate, Replay
from nas.core.interfaces import SearchSpace
from nas.testing.comparison import same

DRAWS = 60


class StrictTrial:
    """Stands in for `optuna.Trial`; like it, refuses other options under a known name.

    Args:
        known: options by name, shared by the trials of one study.
        rng: decides.
    """

    def __init__(self, known: dict[str, list[Any]], rng: np.random.Generator) -> None:
        self.known, self.rng = known, rng

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""
        options = self.known.setdefault(name, list(choices))
        assert options == list(choices), f"{name!r} had {options}, now has {list(choices)}"
        for option in options:
            assert type(option) in (str, int, float, bool), f"Optuna cannot store {option!r}"
        return options[int(self.rng.integers(len(options)))]


class SpaceContract:
    """Checks of a search space; override the fixture `space`."""

    @pytest.fixture
    def space(self) -> SearchSpace:
        """A space, for its own input."""
        raise NotImplementedError("override the fixture 'space': return an instance")

    @pytest.fixture
    def draws(self, space: SearchSpace) -> list[tuple[Draw, Architecture]]:
        """Choosers, each with the architecture it made."""
        rng = np.random.default_rng(0)
        choosers = [Draw(rng) for _ in range(DRAWS)]
        return [(choose, space.generate(choose)) for choose in choosers]

    def test_a_seed_gives_one_architecture(self, space: SearchSpace) -> None:
        first, second = (
            [space.generate(Draw(rng)).key for _ in range(10)]
            for rng in (np.random.default_rng(4), np.random.default_rng(4))
        )
        assert first == second

    def test_there_is_a_choice(self, draws: list[tuple[Draw, Architecture]]) -> None:
        assert len({architecture.key for _, architecture in draws}) > 1

    def test_architectures_can_be_placed(
        self, space: SearchSpace, draws: list[tuple[Draw, Architecture]]
    ) -> None:
        for _, architecture in draws:
            layers = architecture.layers()
            assert architecture.input == space.input
            assert layers[-1].out_shape == (space.input.classes, 1, 1)
            assert architecture.params > 0
            assert architecture.macs > 0

    def test_architectures_survive_json(self, draws: list[tuple[Draw, Architecture]]) -> None:
        for _, architecture in draws:
            read = Architecture.from_json(json.loads(json.dumps(architecture.to_json())))
            assert read == architecture
            assert read.key == architecture.key

    def test_decisions_reproduce_their_architecture(
        self, space: SearchSpace, draws: list[tuple[Draw, Architecture]]
    ) -> None:
        for choose, architecture in draws:
            assert space.generate(Replay(choose.decisions)) == architecture
            stored = json.loads(json.dumps(choose.decisions))
            assert space.generate(Replay(stored)) == architecture

    def test_a_name_stands_for_one_list_of_options(
        self, draws: list[tuple[Draw, Architecture]]
    ) -> None:
        known: dict[str, Any] = {}
        for choose, _ in draws:
            for name, options in choose.options.items():
                assert known.setdefault(name, options) == options, name
                assert choose.decisions[name] in options
                assert len(set(options)) == len(options), name

    def test_an_optuna_trial_can_decide(self, space: SearchSpace) -> None:
        rng, known = np.random.default_rng(1), dict[str, list[Any]]()
        for _ in range(DRAWS):
            choose = Ask(StrictTrial(known, rng))
            architecture = space.generate(choose)
            architecture.layers()
            assert space.generate(Replay(choose.decisions)) == architecture

    def test_every_decision_can_be_mutated(
        self, space: SearchSpace, draws: list[tuple[Draw, Architecture]]
    ) -> None:
        rng, known = np.random.default_rng(2), dict[str, Any]()
        for choose, _ in draws[:10]:
            for site in choose.decisions:
                mutate = Mutate(choose.decisions, site, rng)
                mutant = space.generate(mutate)
                mutant.layers()
                assert space.generate(Replay(mutate.decisions)) == mutant
                for name, options in mutate.options.items():
                    assert known.setdefault(name, options) == options, name

    def test_some_mutation_changes_the_network(
        self, space: SearchSpace, draws: list[tuple[Draw, Architecture]]
    ) -> None:
        rng = np.random.default_rng(3)
        choose, architecture = draws[0]
        mutants = {
            space.generate(Mutate(choose.decisions, site, rng)).key for site in choose.decisions
        }
        assert mutants - {architecture.key}

    def test_the_canonical_form_is_one(
        self, space: SearchSpace, draws: list[tuple[Draw, Architecture]]
    ) -> None:
        for _, architecture in draws:
            form = space.canonical(architecture)
            assert space.canonical(form) == form
            assert form.input == architecture.input
            form.layers()

    def test_it_moves_to_another_data_set(self, space: SearchSpace) -> None:
        before, other = space.input, Input(1, 28, 28, 7)
        moved = space.on(other)
        assert (moved.input, space.input) == (other, before)
        architecture = moved.generate(Draw(np.random.default_rng(0)))
        assert architecture.input == other
        assert architecture.layers()[-1].out_shape == (7, 1, 1)

    def test_generating_leaves_the_space_alone(self, space: SearchSpace) -> None:
        before = copy.deepcopy(vars(space))
        space.generate(Draw(np.random.default_rng(0)))
        assert same(before, vars(space))
