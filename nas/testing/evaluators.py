"""What every evaluator keeps to."""

# ruff: noqa: D102 - a test says by its name what it checks

from __future__ import annotations

from typing import Any

import pytest

from nas.core.architecture import Architecture
from nas.core.interfaces import Evaluator
from nas.core.records import Record


class EvaluatorContract:
    """Checks of an evaluator; override the fixtures `evaluator` and `architecture`."""

    epochs: int | None = None
    """How many epochs are asked for; None for as many as the evaluator has."""

    @pytest.fixture
    def evaluator(self) -> Evaluator:
        """An evaluator."""
        raise NotImplementedError("override the fixture 'evaluator': return an instance")

    @pytest.fixture
    def architecture(self) -> Architecture:
        """A network that it can evaluate."""
        raise NotImplementedError("override the fixture 'architecture': return a network")

    def test_gives_a_result_for_the_network(
        self, evaluator: Evaluator, architecture: Architecture
    ) -> None:
        record = evaluator.evaluate(architecture, self.epochs)
        assert record.architecture == architecture
        assert record.finished
        assert record.target is not None
        assert 0 <= record.target <= 1

    def test_a_seed_gives_one_record(
        self, evaluator: Evaluator, architecture: Architecture
    ) -> None:
        first = evaluator.evaluate(architecture, self.epochs, 3)
        evaluator.forget(architecture, self.epochs, 3)
        second = evaluator.evaluate(architecture, self.epochs, 3)
        assert _without_time(first) == _without_time(second)

    def test_tells_each_epoch_as_it_comes(
        self, evaluator: Evaluator, architecture: Architecture
    ) -> None:
        told: list[tuple[int, float]] = []

        def on_epoch(epoch: int, accuracy: float) -> bool:
            told.append((epoch, accuracy))
            return False

        record = evaluator.evaluate(architecture, self.epochs, 0, on_epoch)
        assert [epoch for epoch, _ in told] == list(range(1, len(record.curve) + 1))
        assert [accuracy for _, accuracy in told] == pytest.approx(list(record.curve))
        assert self.epochs is None or len(record.curve) <= self.epochs

    def test_being_told_changes_nothing(
        self, evaluator: Evaluator, architecture: Architecture
    ) -> None:
        told = evaluator.evaluate(architecture, self.epochs, 0, lambda epoch, accuracy: False)
        untold = evaluator.evaluate(architecture, self.epochs, 0)
        assert _without_time(told) == _without_time(untold)

    def test_stops_when_told_to(self, evaluator: Evaluator, architecture: Architecture) -> None:
        told: list[int] = []

        def on_epoch(epoch: int, accuracy: float) -> bool:
            told.append(epoch)
            return True

        record = evaluator.evaluate(architecture, self.epochs, 0, on_epoch)
        if not told:
            pytest.skip("has no epochs")
        assert told == [1]
        assert record.status == "pruned"
        assert len(record.curve) == 1


def _without_time(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.to_json().items() if name != "seconds"}
