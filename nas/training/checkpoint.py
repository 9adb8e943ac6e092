"""Checkpoints: a training that was cut off goes on behind its last finished epoch.

They are Lightning's own. What it does not keep of a training on one device is added: the random
numbers to come, and the seconds that were spent. Lightning's hook at the end of an epoch is the
one from which every release goes on with the next epoch, neither twice nor left out.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import CheckpointIO

from nas.core.errors import DiskFull, InvalidOption
from nas.core.files import write_bytes

SAVE_EVERY = 5.0
"""Seconds from one checkpoint to the next, at least; the first so long after the start.

To write one costs as much as some epochs of a small network; such a training loses some seconds
where it is cut off, a longer one its unfinished epoch.
"""

_DIGEST = hashlib.sha256
_OURS = "training"  # what we add to Lightning's content

_logger = logging.getLogger(__name__)


class CheckpointFile(CheckpointIO):
    """The file of one training, as Lightning writes and reads it.

    Torch notices a file that is cut off, but no flipped bit, so a digest stands in front. Nothing
    but tensors and plain values is ever unpickled.

    Args:
        path: of the file; need not be there.
        of: what is trained and how, as JSON values. A file of something else is not used.

    Attributes:
        held: what the file held when this was made, until the training goes on from it; None
            where there was nothing to be used.
    """

    def __init__(self, path: Path, of: Mapping[str, Any]) -> None:
        self.path = path
        self._of = dict(of)
        self.held = self._read()

    @property
    def seconds(self) -> float:
        """What was spent on the training before."""
        return float(self.held[_OURS]["seconds"]) if self.held else 0.0

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """See `nas.core.files.write_bytes`: whoever reads finds the old content or the new one."""
        checkpoint[_OURS]["of"] = self._of
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes(path, _sealed(content.getvalue()))

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any = None, weights_only: Any = None
    ) -> dict[str, Any]:
        """What was read before: another process may have replaced or removed the file since."""
        assert self.held is not None, "asked only where there is something to go on from"
        return self.held

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Never asked by a trainer that keeps one file."""
        Path(path).unlink(missing_ok=True)

    def _read(self) -> dict[str, Any] | None:
        try:
            content = io.BytesIO(_opened(self.path.read_bytes()))
            found: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
            got = found[_OURS]["of"]
        except FileNotFoundError:
            return None
        except Exception as error:  # torch raises many kinds, by where the content is broken
            why = f"it cannot be read: {(str(error).splitlines() or [''])[0]}"
        else:
            differing = [name for name in self._of if self._of[name] != got.get(name)]
            if not differing:
                return found
            why = f"it is of another {' and '.join(differing)}"
        _logger.warning("a training starts afresh, not from %s: %s", self.path, why)
        return None


def _sealed(content: bytes) -> bytes:
    return _DIGEST(content).digest() + content


def _opened(sealed: bytes) -> bytes:
    content = sealed[_DIGEST().digest_size :]
    if sealed != _sealed(content):
        raise ValueError("its content is not that of its digest")
    return content


class KeepEpochs(pl.callbacks.Checkpoint):
    """Writes the file behind an epoch, and puts the random numbers back where one goes on.

    Lightning calls a `Checkpoint` behind the module's own hook of an epoch's end, in which the
    curve grows and it is decided whether to go on.

    Args:
        file: where to.
        order: generator of the batches.
        spent: seconds that the training has taken in all.
    """

    def __init__(
        self, file: CheckpointFile, order: torch.Generator, spent: Callable[[], float]
    ) -> None:
        self.file, self._order, self._spent = file, order, spent
        self._saved = time.perf_counter()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Goes on with the random numbers that were next."""
        if self.file.held is None:
            return
        random = self.file.held[_OURS]["random"]
        self.file.held = None  # it takes as much memory as the network and its optimizer
        self._order.set_state(random["order"])
        torch.set_rng_state(random["cpu"])
        if pl_module.device.type == "cuda":
            torch.cuda.set_rng_state(random["cuda"], pl_module.device)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes the file, unless there is nothing to go on with, or one was written just now.

        Where it cannot be written, the training is worth more, and goes on.
        """
        if trainer.should_stop or time.perf_counter() - self._saved < SAVE_EVERY:
            return
        try:
            trainer.save_checkpoint(self.file.path)
        except (DiskFull, InvalidOption) as error:
            _logger.warning("a training goes on without a new checkpoint: %s", error)
        self._saved = time.perf_counter()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Adds what Lightning does not keep."""
        random = {"order": self._order.get_state(), "cpu": torch.get_rng_state()}
        if pl_module.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(pl_module.device)
        checkpoint[_OURS] = {"seconds": self._spent(), "random": random}
