"""Trains a toy network with so many processes: `python -m ... FOLDER DEVICES [MODE]`.

MODE is "cut", for a network with parameters that get no gradient, or "lost", where the second
process is gone in the middle; it is no part of what the first one says.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import torch

from nas.core.errors import NasError
from nas.training.transfer import is_first
from nas.training.transfer.module import TransferTraining
from tests.nas.training.transfer.toys import CUT, HERE, PLAIN, RECIPE, train


class Lost(TransferTraining):
    """The second process is gone before its third step."""

    def on_train_batch_start(self, batch, batch_idx):
        super().on_train_batch_start(batch, batch_idx)
        if self.global_rank and self.trainer.global_step == 2:
            os._exit(9)


if __name__ == "__main__":
    folder, devices, mode = Path(sys.argv[1]), int(sys.argv[2]), "".join(sys.argv[3:])
    torch.set_num_threads(1)
    if mode == "lost":
        import nas.training.transfer.trainer

        nas.training.transfer.trainer.TransferTraining = Lost
    recipe = replace(RECIPE, ema=0.5, accumulate=2, batch_size=24)
    machines = replace(HERE, devices=devices, checkpoint_minutes=0)
    try:
        found = train(folder, recipe, CUT if mode == "cut" else PLAIN, machines, resume=True)
    except NasError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if is_first():
        torch.save(
            (found.history, found.tested, found.classifier.state_dict()), folder / "found.pt"
        )
