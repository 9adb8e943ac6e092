"""Training of the predictor with Lightning; imported by `Peephole.fit` only."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from surrogates.peephole.code import Sequences
from surrogates.peephole.network import Batch, PeepholeNetwork, pack


@dataclass(frozen=True)
class Recipe:
    """How the predictor is trained; see `Peephole` for the meaning of each."""

    loss: str
    l1: float
    epochs: int
    batch_size: int
    lr: float
    weight_decay: float


@dataclass(frozen=True)
class Supervision:
    """What n networks are supervised with.

    Attributes:
        sequences: their layers.
        targets: (n, t) standardised accuracies, NaN where there is none.
        first_epoch: the epoch that column 0 is about; t - 1 epochs follow.
    """

    sequences: Sequences
    targets: np.ndarray
    first_epoch: int

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, places: np.ndarray) -> Supervision:
        """The supervision of some of the networks."""
        numbers = self.sequences.networks[places]
        sequences = Sequences(self.sequences.table, self.sequences.layers, numbers)
        return Supervision(sequences, self.targets[places], self.first_epoch)

    def batch(self, places: np.ndarray, device: torch.device) -> tuple[Batch, Tensor]:
        """A batch of networks, one answer for each known target, and these targets (r,)."""
        distinct, which = np.unique(self.sequences.networks[places], return_inverse=True)
        tokens, sizes, order = pack([self.sequences.layers[i] for i in distinct])
        known = ~np.isnan(self.targets[places])
        network, column = np.nonzero(known)
        arrays = (self.sequences.table, tokens, order, which[network], column + self.first_epoch)
        table, flat, where, rows, epochs = (torch.from_numpy(a).to(device) for a in arrays)
        targets = torch.from_numpy(self.targets[places][known]).float().to(device)
        return Batch(table, flat, torch.from_numpy(sizes), where, rows, epochs), targets


class Batches:
    """Shuffled batches of about equal size, anew for each epoch.

    No batch holds a single network while there are two: batch normalisation needs more than one.
    """

    def __init__(self, data: Supervision, size: int, seed: int, device: torch.device) -> None:
        self.data, self.device = data, device
        self.rng = np.random.default_rng(seed)
        self.number = max(1, min(round(len(data) / size), len(data) // 2))

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[tuple[Batch, Tensor]]:
        order = self.rng.permutation(len(self.data))
        if len(order) == 1:
            order = np.repeat(order, 2)
        for places in np.array_split(order, self.number):
            yield self.data.batch(places, self.device)


class PeepholeModule(pl.LightningModule):
    """Loss and optimizer around the network: AdamW under a one-cycle schedule.

    Args:
        network: what is trained, in place.
        recipe: how.
        steps: number of optimizer steps in all.
    """

    def __init__(self, network: PeepholeNetwork, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self.network, self.recipe, self.steps = network, recipe, steps

    def training_step(self, batch: tuple[Batch, Tensor], index: int) -> Tensor:
        """The loss of one batch."""
        inputs, targets = batch
        loss = LOSSES[self.recipe.loss](self.network(inputs), targets)
        if self.recipe.loss == "mse_l1":
            weights = [p.abs().sum() for p in self.network.parameters() if p.dim() > 1]
            loss = loss + self.recipe.l1 * torch.stack(weights).sum()
        return loss

    def transfer_batch_to_device(self, batch: Any, device: torch.device, index: int) -> Any:
        """Nothing to do: batches are made on the device."""
        return batch

    def configure_optimizers(self) -> Any:
        """AdamW; embeddings, biases and normalisation are not decayed."""
        decayed = [m.weight for m in self.network.modules() if isinstance(m, nn.Linear)]
        decayed += [p for name, p in self.network.lstm.named_parameters() if "weight" in name]
        chosen = set(map(id, decayed))
        free = [p for p in self.network.parameters() if id(p) not in chosen]
        optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": self.recipe.weight_decay},
                {"params": free, "weight_decay": 0.0},
            ],
            lr=self.recipe.lr,
            fused=True,
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.recipe.lr, total_steps=max(self.steps, 2), cycle_momentum=False
        )
        return [optimizer], [{"scheduler": cycle, "interval": "step"}]


def pairwise(scores: Tensor, targets: Tensor) -> Tensor:
    """Logistic loss on the differences of all pairs in the batch with different targets."""
    better = targets[:, None] > targets[None, :]
    losses = functional.softplus(scores[None, :] - scores[:, None])
    return (losses * better).sum() / better.sum().clamp(min=1)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "smooth_l1": functional.smooth_l1_loss,
    "mse_l1": functional.mse_loss,
    "pairwise": pairwise,
}


def train(
    network: PeepholeNetwork, data: Supervision, recipe: Recipe, seed: int, device: torch.device
) -> None:
    """Trains a network in place and leaves it on the CPU in eval mode."""
    batches = Batches(data, recipe.batch_size, seed, device)
    module = PeepholeModule(network, recipe, steps=recipe.epochs * len(batches))
    network.train()
    with _quiet():
        trainer = pl.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=[device.index or 0] if device.type == "cuda" else 1,
            max_epochs=recipe.epochs,
            gradient_clip_val=1.0,
            barebones=True,
        )
        trainer.fit(module, train_dataloaders=batches)
    network.cpu().eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences Lightning's remarks about devices and about PyTorch's deprecations."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            yield
    finally:
        logger.setLevel(level)
