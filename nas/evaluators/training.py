"""Evaluation by training; torch and Lightning are imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from nas.core.architecture import Architecture, Input
from nas.core.interfaces import Evaluator
from nas.core.records import LearningCurve, Record
from nas.training.recipe import Recipe

if TYPE_CHECKING:
    from nas.training.data import DataSet


class TrainingEvaluator(Evaluator):
    """Trains each network on a data set, by one recipe.

    It can be pickled: each process loads the data once, when it first needs them.

    Args:
        data: what `nas.training.data.load_data` takes: digits, CIFAR10, npz:PATH, folder:PATH, ...
        recipe: how every network is trained.
        device: "cpu", "cuda", "cuda:1", ...; "auto" is a GPU if there is one.
    """

    def __init__(
        self, data: str = "digits", recipe: Recipe | None = None, device: str = "auto"
    ) -> None:
        self.data = data
        self.recipe = recipe or Recipe()
        self.device = device

    @property
    def data_set(self) -> DataSet:
        """What is trained on, in the machine's own memory; loads it.

        Raises:
            InvalidData: there is no such data set, or it is broken.
        """
        from nas.training.data import load_data

        return load_data(self.data)

    @property
    def input(self) -> Input:
        """What the data set feeds a network; loads it."""
        return self.data_set.input

    def evaluate(
        self,
        architecture: Architecture,
        epochs: int | None = None,
        seed: int = 0,
        on_epoch: Callable[[int, float], bool] | None = None,
    ) -> Record:
        """See `Evaluator.evaluate`; what crashes a training is raised.

        The record's target is the last validation accuracy, measured after divergence too.
        """
        from nas.training.trainer import train

        result = train(
            architecture,
            _load(self.data, self.device),
            self.recipe,
            epochs=epochs,
            seed=seed,
            on_epoch=on_epoch,
            device=self.device,
        )
        return Record(
            architecture,
            target=result.curve[-1],
            curve=LearningCurve(result.curve),
            train_loss=result.train_loss,
            test_accuracy=result.test_accuracy,
            seed=seed,
            seconds=result.seconds,
            status=result.status,
        )


@lru_cache(maxsize=1)
def _load(spec: str, device: str) -> DataSet:
    from nas.training.data import load_data
    from nas.training.trainer import find_device

    return load_data(spec).to(find_device(device))
