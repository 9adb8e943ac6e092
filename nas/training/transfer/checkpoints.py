"""Checkpoints that a training goes on from exactly, wherever it was killed."""

from __future__ import annotations

import io
import os
import pickle
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO

from nas.core.errors import InvalidOption
from nas.core.files import write_bytes
from nas.training.transfer.agreement import Agreement
from nas.training.transfer.module import TransferTraining

# What torch and a dict raise where a file is something else.
_BROKEN = (
    *(OSError, RuntimeError, pickle.UnpicklingError, EOFError),
    *(LookupError, TypeError, ValueError, AttributeError),
)


class Checkpoints(pl.Callback):
    """Writes the state of a training now and then, and at its end; one file, the last state.

    A state is written behind a whole step of the optimizer only, so that no gradients wait in it,
    and never behind the last step of an epoch, before it was judged.

    Args:
        path: of the file, which is replaced by a rename.
        minutes: between two states; the last one of a training waits for nothing.
        agreement: of the processes, which all take part: the first one's clock counts.
    """

    def __init__(self, path: Path, minutes: float, agreement: Agreement) -> None:
        self._path, self._seconds, self._agreement = path, 60 * minutes, agreement
        self._last = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Writes if it is time to."""
        number = batch_idx + 1
        whole = number % trainer.accumulate_grad_batches == 0
        if not whole or number == trainer.num_training_batches:
            return
        if self._agreement.first(self._due() and _finite(pl_module)):
            self._write(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes behind the validation, if it is time to, or the training is done."""
        last = trainer.current_epoch + 1 == trainer.max_epochs
        if self._agreement.first(last or self._due()):
            self._write(trainer)

    def _due(self) -> bool:
        return time.monotonic() - self._last >= self._seconds

    def _write(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self._path)
        self._last = time.monotonic()


class WholeFiles(TorchCheckpointIO):
    """Lightning's way to files, by which a reader finds the old content or the new one.

    Lightning's own writes into the system's temporary folder first, which may lie on another disk.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """See `nas.core.files.write_bytes`."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes(path, content.getbuffer())


class State(NamedTuple):
    """Where a training stands.

    Attributes:
        task: what is trained on what, as JSON.
        step: steps of the optimizer, over all epochs.
    """

    task: dict[str, Any]
    step: int


def read_state(path: Path) -> State | None:
    """Where a checkpoint's training stands; None where there is no checkpoint.

    Raises:
        InvalidOption: it cannot be read.
    """
    if not path.is_file():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return State(found["transfer"]["task"], found["global_step"])
    except _BROKEN as error:
        raise InvalidOption(
            f"the checkpoint {path} cannot be read: {' '.join(str(error).split())[:200]}; remove "
            "it to start again"
        ) from error


def _finite(module: pl.LightningModule) -> bool:
    """Whether the training has not diverged: such a state is not worth going on from."""
    assert isinstance(module, TransferTraining)
    return bool(module.loss_sum.isfinite())
