"""Training one sampled network from seed to record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from torch import nn

from nas.core.architecture import Architecture
from nas.core.errors import InvalidData, InvalidOption
from nas.core.records import FINISHED
from nas.networks import build, initialise
from nas.training.checkpoint import CheckpointFile, KeepEpochs
from nas.training.data import Batches, DataSet, Images
from nas.training.device import BESIDE, device_errors, use_device
from nas.training.lightning import LeaveSigterm, interruptible, quiet
from nas.training.module import OnEpoch, WholeEpochs
from nas.training.recipe import Recipe

EVALUATION_BATCH = 512
OVERTIME = 2
"""An epoch that is running when the time is up may take the training to so many times its limit."""

Status = Literal["complete", "diverged", "pruned", "timeout"]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What one training gave.

    Attributes:
        curve: validation accuracy of each epoch, in [0, 1].
        train_loss: mean training loss of each epoch; not finite in the last one if diverged.
        test_accuracy: measured once, at the end; None if stopped early or without test images.
        seconds: it took, building included, and what was spent before a checkpoint.
        status: "complete", "diverged" (stopped behind the epoch whose loss was not finite),
            "pruned" (`on_epoch` stopped it) or "timeout" (its time was up; the curve may be empty).
        network: trained, on the CPU, for normalised images.
    """

    curve: tuple[float, ...]
    train_loss: tuple[float, ...]
    test_accuracy: float | None
    seconds: float
    status: Status
    network: nn.Module = field(repr=False)


@device_errors(BESIDE)
def train(
    architecture: Architecture,
    data: DataSet,
    recipe: Recipe,
    *,
    epochs: int | None = None,
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
    device: str = "auto",
    max_seconds: float | None = None,
    checkpoint: Path | None = None,
) -> TrainingResult:
    """Trains one network on one device.

    Weights, batches, augmentation and dropout come from the seed; on a CPU with a given number of
    threads the same seed gives the same result bit for bit, cut off and gone on with or not. The
    global random numbers stay as they were.

    Args:
        architecture: the network.
        data: must feed what the architecture is for.
        recipe: how to train.
        epochs: how many; None means the recipe's. The schedule stays the recipe's, so that fewer
            epochs give the beginning of the same curve.
        seed: of everything random.
        on_epoch: called with (epoch from 1, validation accuracy), first for the epochs of a
            checkpoint; True stops the training.
        device: "cpu", "cuda", "cuda:1", ...; "auto" is a GPU if there is one.
        max_seconds: no epoch begins after so many, and one that runs is broken off after twice as
            many; None means no limit.
        checkpoint: file to go on from, if it is of the same training, and to write every
            `nas.training.checkpoint.SAVE_EVERY` seconds at most. It is left there. Where it cannot
            be written, a warning says so.

    Raises:
        OutOfMemory, DeviceLost: see `nas.training.device.device_errors`.
        InvalidData: the data set feeds something else than the architecture is for.
        InvalidOption: there is no such device, or epochs are not at least 1.
    """
    if architecture.input != data.input:
        raise InvalidData(
            f"a network must be for what its data set feeds, {tuple(data.input)} in {data.name}, "
            f"but is for {tuple(architecture.input)}; generate it with space.on(data.input)"
        )
    if epochs is not None and epochs < 1:
        raise InvalidOption(f"epochs must be at least 1, but got {epochs}")
    place, epochs = use_device(device), epochs or recipe.epochs
    file = None
    if checkpoint is not None:
        of = _identity(architecture, data, recipe, epochs, seed, place)
        file = CheckpointFile(checkpoint, of)
    clock = _Clock(max_seconds, file.seconds if file else 0.0)
    weights, batches, rest = (int(s) for s in np.random.SeedSequence(seed).generate_state(3))
    data = data.to(place)
    with _seeded(rest, place), quiet(), interruptible():
        network = build(architecture)
        initialise(network, weights)
        module = WholeEpochs(network, recipe, data.mean, data.std, on_epoch)
        order = torch.Generator().manual_seed(batches)
        keep = KeepEpochs(file, order, clock.seconds) if file else None
        trainer = _trainer(place, recipe, epochs, keep)
        held = file.path if file and file.held else None
        training = _Timed(Batches(data.train, recipe.batch_size, order, recipe.augment), clock)
        status = _fit(trainer, module, training, Batches(data.val, EVALUATION_BATCH), held)
        if data.test and status in FINISHED:
            trainer.test(module, Batches(data.test, EVALUATION_BATCH), verbose=False)
    return TrainingResult(
        tuple(module.curve),
        tuple(module.train_loss),
        module.test_accuracy,
        clock.seconds(),
        status,
        network,
    )


def _identity(
    architecture: Architecture,
    data: DataSet,
    recipe: Recipe,
    epochs: int,
    seed: int,
    device: torch.device,
) -> dict[str, Any]:
    """What two trainings must share for one to go on from the other's checkpoint.

    Random numbers differ between kinds of devices, and what Lightning keeps between its releases.
    """
    return {
        "architecture": architecture.key,
        "data": data.digest,
        "recipe": recipe.to_json(),
        "epochs": epochs,
        "seed": seed,
        "device": device.type,
        "lightning": version("pytorch-lightning"),
    }


def _fit(
    trainer: pl.Trainer, module: WholeEpochs, training: _Timed, val: Batches, held: Path | None
) -> Status:
    try:
        trainer.fit(module, _Whole(training), val, ckpt_path=held)
    except _TimeIsUp:
        return "timeout"
    return "diverged" if module.diverged else "pruned" if module.pruned else "complete"


class _TimeIsUp(Exception):
    """The training has taken too long."""


class _Clock:
    """Seconds that a training has taken, those before a checkpoint included.

    They are those of this process: a GPU may lie some hundred kernels behind, which is little
    beside a limit, whereas to ask it would make it wait at each step.
    """

    def __init__(self, limit: float | None, before: float) -> None:
        self._limit, self._start = limit, time.perf_counter() - before

    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def check(self, times: int = 1) -> None:
        """Raises _TimeIsUp after so many times the limit."""
        if self._limit is not None and self.seconds() > times * self._limit:
            raise _TimeIsUp


class _Timed:
    """Batches of an epoch, as long as there is time."""

    def __init__(self, batches: Batches, clock: _Clock) -> None:
        self._batches, self._clock = batches, clock

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Images]:
        self._clock.check()
        for batch in self._batches:
            yield batch
            self._clock.check(OVERTIME)


class _Whole:
    """All batches of an epoch as the one batch that Lightning sees."""

    def __init__(self, batches: _Timed) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[_Timed]:
        yield self._batches


def _trainer(
    device: torch.device, recipe: Recipe, epochs: int, keep: KeepEpochs | None
) -> pl.Trainer:
    return pl.Trainer(
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        devices=[device.index or 0] if device.type == "cuda" else 1,
        # A job scheduler's environment is about the whole study, not about one small network.
        plugins=[LightningEnvironment(), *([keep.file] if keep else [])],
        callbacks=[LeaveSigterm(), *([keep] if keep else [])],
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=keep is not None,  # without a callback it would bring its own
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seeds the global random numbers (dropout, a user's own ops) and puts them back behind."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
