"""Training one sampled network from seed to record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from torch import nn

from nas.core.architecture import Architecture
from nas.core.errors import InvalidData, InvalidOption
from nas.networks import build, initialise
from nas.training.data import Batches, DataSet
from nas.training.lightning import LeaveSigterm, interruptible, quiet
from nas.training.module import OnEpoch, WholeEpochs
from nas.training.recipe import Recipe

EVALUATION_BATCH = 512


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What one training gave.

    Attributes:
        curve: validation accuracy of each epoch, in [0, 1].
        train_loss: mean training loss of each epoch; not finite in the last one if diverged.
        test_accuracy: measured once, at the end; None if pruned or without test images.
        seconds: it took, building included.
        status: "complete", "diverged" (stopped behind the epoch whose loss was not finite) or
            "pruned" (`on_epoch` stopped it).
        network: trained, on the CPU, for normalised images.
    """

    curve: tuple[float, ...]
    train_loss: tuple[float, ...]
    test_accuracy: float | None
    seconds: float
    status: Literal["complete", "diverged", "pruned"]
    network: nn.Module = field(repr=False)


def train(
    architecture: Architecture,
    data: DataSet,
    recipe: Recipe,
    *,
    epochs: int | None = None,
    seed: int = 0,
    on_epoch: OnEpoch | None = None,
    device: str = "auto",
) -> TrainingResult:
    """Trains one network on one device.

    Weights, batches, augmentation and dropout come from the seed; on a CPU with a given number of
    threads the same seed gives the same result bit for bit. The global random numbers stay as
    they were.

    Args:
        architecture: the network.
        data: must feed what the architecture is for.
        recipe: how to train.
        epochs: how many; None means the recipe's. The schedule stays the recipe's, so that fewer
            epochs give the beginning of the same curve.
        seed: of everything random.
        on_epoch: called with (epoch from 1, validation accuracy); True stops the training.
        device: "cpu", "cuda", "cuda:1", ...; "auto" is a GPU if there is one.

    Raises:
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
    start, place = time.perf_counter(), find_device(device)
    weights, batches, rest = (int(s) for s in np.random.SeedSequence(seed).generate_state(3))
    data = data.to(place)
    with _seeded(rest, place), quiet(), interruptible():
        network = build(architecture)
        initialise(network, weights)
        module = WholeEpochs(network, recipe, data.mean, data.std, on_epoch)
        trainer = _trainer(place, recipe, epochs or recipe.epochs)
        order = torch.Generator().manual_seed(batches)
        training = Batches(data.train, recipe.batch_size, order, recipe.augment)
        trainer.fit(module, _Whole(training), Batches(data.val, EVALUATION_BATCH))
        if data.test and not module.pruned:
            trainer.test(module, Batches(data.test, EVALUATION_BATCH), verbose=False)
    return TrainingResult(
        tuple(module.curve),
        tuple(module.train_loss),
        module.test_accuracy,
        time.perf_counter() - start,
        "diverged" if module.diverged else "pruned" if module.pruned else "complete",
        network,
    )


class _Whole:
    """All batches of an epoch as the one batch that Lightning sees."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Batches]:
        yield self._batches


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU if there is one, else the CPU.

    Raises:
        InvalidOption: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        raise InvalidOption(
            f"a device must be auto, cpu, cuda, cuda:N or mps, and there, but got {name!r}: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _trainer(device: torch.device, recipe: Recipe, epochs: int) -> pl.Trainer:
    return pl.Trainer(
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        devices=[device.index or 0] if device.type == "cuda" else 1,
        # A job scheduler's environment is about the whole study, not about one small network.
        plugins=[LightningEnvironment()],
        callbacks=[LeaveSigterm()],
        precision="bf16-mixed" if recipe.precision == "bf16" else "32-true",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
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
