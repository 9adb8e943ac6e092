"""Evaluation by a formula: for tests, for proxies that need no training, for one's own trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nas.core.architecture import Architecture
from nas.core.errors import InvalidOption
from nas.core.interfaces import Evaluator
from nas.core.records import LearningCurve, Record, Status


class FunctionEvaluator(Evaluator):
    """Asks a function.

        evaluator = FunctionEvaluator(lambda network: 1 / (1 + network.params))

    Args:
        function: maps an architecture to its accuracy in [0, 1], or to its whole learning curve,
            the last value of which is the target. To be pickled it must be a module's function.
    """

    def __init__(self, function: Callable[[Architecture], float | Sequence[float]]) -> None:
        self.function = function

    def evaluate(
        self,
        architecture: Architecture,
        epochs: int | None = None,
        seed: int = 0,
        on_epoch: Callable[[int, float], bool] | None = None,
    ) -> Record:
        """See `Evaluator.evaluate`; a curve that is longer than `epochs` is cut.

        Raises:
            InvalidOption: the function gives no accuracy, or epochs are not at least 1.
            InvalidCorpus: an accuracy lies outside [0, 1].
        """
        if epochs is not None and epochs < 1:
            raise InvalidOption(f"epochs must be at least 1, but got {epochs}")
        said = self.function(architecture)
        curve = tuple(said)[:epochs] if isinstance(said, Sequence) else (said,)
        if not curve:
            raise InvalidOption(
                "a function must give an accuracy or a curve of at least one epoch, but got an "
                "empty curve; return a number"
            )
        measured = LearningCurve(curve)
        for epoch, accuracy in enumerate(measured, start=1):
            if on_epoch and on_epoch(epoch, accuracy):
                return _record(architecture, measured[:epoch], seed, "pruned")
        return _record(architecture, measured, seed, "complete")


def _record(architecture: Architecture, curve: LearningCurve, seed: int, status: Status) -> Record:
    return Record(architecture, target=curve[-1], curve=curve, seed=seed, status=status)
