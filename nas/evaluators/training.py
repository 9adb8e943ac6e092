"""Evaluation by training; torch and Lightning are imported when it is asked for."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nas.core.architecture import Architecture, Input
from nas.core.errors import InvalidOption
from nas.core.interfaces import Evaluator
from nas.core.records import LearningCurve, Record
from nas.training.recipe import Recipe

if TYPE_CHECKING:
    from nas.training.data import DataSet

_logger = logging.getLogger(__name__)


class TrainingEvaluator(Evaluator):
    """Trains each network on a data set, by one recipe.

    It can be pickled: each process loads the data once, when it first needs them.

    Neither `checkpoint_dir` nor `max_seconds` is part of what a corpus' header tells: no result of
    a network that was trained to its end depends on them.

    Args:
        data: what `nas.training.data.load_data` takes: digits, CIFAR10, npz:PATH, folder:PATH, ...
        recipe: how every network is trained.
        device: "cpu", "cuda", "cuda:1", ...; "auto" is a GPU if there is one.
        checkpoint_dir: folder in which unfinished trainings are kept, to be gone on with by
            whoever trains the same network with the same seed next; `forget` removes them. None
            keeps none. See `nas.training.checkpoint`.
        max_seconds: that a training may take, checkpoints included, to begin another epoch; see
            `nas.training.train`. None means no limit.

    Raises:
        InvalidOption: `max_seconds` is not above 0.
    """

    def __init__(
        self,
        data: str = "digits",
        recipe: Recipe | None = None,
        device: str = "auto",
        checkpoint_dir: str | os.PathLike[str] | None = None,
        max_seconds: float | None = None,
    ) -> None:
        if max_seconds is not None and not 0 < max_seconds < math.inf:
            raise InvalidOption(f"max_seconds must be above 0, but got {max_seconds}")
        self.data = data
        self.recipe = recipe or Recipe()
        self.device = device
        self.checkpoint_dir = checkpoint_dir
        self.max_seconds = max_seconds

    @property
    def data_set(self) -> DataSet:
        """What is trained on, in the machine's own memory; loads it.

        Raises:
            InvalidData: there is no such data set, or it is broken.
        """
        return _read(self.data)

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

        The record's target is the last validation accuracy, measured after divergence too. Where
        the time was up before the first epoch ended, there is none.

        Raises:
            OutOfMemory, DeviceLost: see `nas.training.device.device_errors`.
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
            max_seconds=self.max_seconds,
            checkpoint=self._checkpoint(architecture, epochs, seed),
        )
        return Record(
            architecture,
            target=result.curve[-1] if result.curve else None,
            curve=LearningCurve(result.curve),
            train_loss=result.train_loss,
            test_accuracy=result.test_accuracy,
            seed=seed,
            seconds=result.seconds,
            status=result.status,
        )

    def forget(self, architecture: Architecture, epochs: int | None = None, seed: int = 0) -> None:
        """See `Evaluator.forget`."""
        path = self._checkpoint(architecture, epochs, seed)
        if path is None:
            return
        try:
            # What a process that was killed had half written has a longer name.
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink(missing_ok=True)
        except OSError as error:
            _logger.warning("a checkpoint cannot be removed: %s", error)

    def fingerprint(self) -> str:
        """See `Evaluator.fingerprint`: of all images and labels; loads them.

        Raises:
            InvalidData: there is no such data set, or it is broken.
        """
        return self.data_set.digest

    def _checkpoint(self, architecture: Architecture, epochs: int | None, seed: int) -> Path | None:
        """The file of one training: its name tells architecture, seed and task."""
        if self.checkpoint_dir is None:
            return None
        task = json.dumps([self.data, self.recipe.to_json(), epochs or self.recipe.epochs])
        digest = hashlib.sha256(task.encode()).hexdigest()[:16]
        return Path(self.checkpoint_dir) / f"{architecture.key}-{seed}-{digest}.ckpt"


@lru_cache(maxsize=1)
def _read(spec: str) -> DataSet:
    from nas.training.data import load_data

    return load_data(spec)


@lru_cache(maxsize=1)
def _load(spec: str, device: str) -> DataSet:
    from nas.training.device import BESIDE, device_errors, use_device

    with device_errors(BESIDE):
        return _read(spec).to(use_device(device))
