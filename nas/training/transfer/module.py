"""The Lightning module of a network that is trained for long."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nas.core.errors import InvalidOption
from nas.networks import Classifier
from nas.training.transfer.agreement import lost
from nas.training.transfer.recipe import TransferRecipe

LOG_EVERY = 50
"""Steps between two entries of the training loss in the logs."""
TOP = 5


class Accuracies(NamedTuple):
    """Shares of the images whose class is the likeliest, or among the five likeliest."""

    top1: float
    top5: float


class Epoch(NamedTuple):
    """What was measured in an epoch."""

    train_loss: float
    top1: float
    top5: float


class TransferTraining(pl.LightningModule):
    """A network with the recipe it is trained by; batches are `Images` of uint8.

    Learning rate and random numbers of a step are pure functions of its number, the seed and the
    process: a checkpoint need not hold them, and a resumed training goes on exactly.

    Args:
        classifier: the network, with its normalisation.
        recipe: how to train it.
        seed: of dropout and whatever else the network draws.
        task: JSON that says what is trained on what; goes into checkpoints.

    Attributes:
        history: of each epoch so far; goes into checkpoints.
        tested: what the last `Trainer.test` found.
    """

    def __init__(
        self, classifier: Classifier, recipe: TransferRecipe, seed: int, task: dict[str, Any]
    ) -> None:
        super().__init__()
        self.save_hyperparameters({"seed": seed, **recipe.to_json()})  # for the logs
        self.classifier = classifier.to(memory_format=torch.channels_last)
        self.averaged: AveragedModel | None = None
        if recipe.ema:
            average = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
            self.averaged = AveragedModel(classifier, multi_avg_fn=average, use_buffers=True)
            self.averaged.requires_grad_(False)
        # No buffers: DDP would put the first process's in place of the others'.
        self.loss_sum, self.loss_count = torch.zeros(()), torch.zeros((), dtype=torch.long)
        self.recipe, self.seed, self.task = recipe, seed, task
        self.history: list[Epoch] = []
        self.tested: Accuracies | None = None

    @property
    def judged(self) -> Classifier:
        """The network that counts: with averaged weights where the recipe says so."""
        found = self.classifier if self.averaged is None else self.averaged.module
        assert isinstance(found, Classifier)
        return found

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """SGD with momentum; its rate is set in each step."""
        return torch.optim.SGD(
            self.classifier.parameters(),
            lr=self.recipe.lr,
            momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    def on_fit_start(self) -> None:
        """Brings the sums to the device."""
        self.loss_sum = self.loss_sum.to(self.device)
        self.loss_count = self.loss_count.to(self.device)

    def on_train_epoch_start(self) -> None:
        """Starts the sums of an epoch; not called where a training goes on inside one."""
        self.loss_sum.zero_()
        self.loss_count.zero_()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Sets the rate and seeds the random numbers."""
        steps = self.trainer.num_training_batches / self.recipe.accumulate
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.recipe.rate(self.trainer.global_step / steps)
        place = [self.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch."""
        images, labels = batch
        logits = self.classifier(_scaled(images))
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        self.loss_sum += loss.detach()
        self.loss_count += 1
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """A step, and its trace in the logs and in the average."""
        super().optimizer_step(*args, **kwargs)
        if self.averaged is not None:
            self.averaged.update_parameters(self.classifier)
        if self.trainer.global_step % LOG_EVERY == 0:
            loss = float(self._train_loss())
            self._log({"step/train_loss_so_far": loss, "step/rate": self._rate()})

    def on_validation_epoch_start(self) -> None:
        """Starts counting."""
        self._counts = torch.zeros(3, dtype=torch.long, device=self.device)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Counts right answers."""
        images, labels = batch
        logits = self.judged(_scaled(images))
        hits = logits.topk(min(TOP, logits.shape[1])).indices == labels[:, None]
        right = [hits[:, 0].sum(), hits.any(1).sum(), torch.full((), len(labels)).to(hits.device)]
        self._counts += torch.stack(right)

    def on_validation_epoch_end(self) -> None:
        """Adds to the history.

        Raises:
            InvalidOption: the training diverged; ProcessLost in all processes but the first.
        """
        loss = float(self.trainer.strategy.reduce(self._train_loss(), reduce_op="mean"))
        if not math.isfinite(loss):
            if self.global_rank:
                raise lost()
            raise InvalidOption(
                f"the training must not diverge, but its loss is {loss} in epoch "
                f"{self.current_epoch + 1}; start again with a lower --recipe.lr or a longer "
                "--recipe.warmup"
            )
        # By epoch: a resumed training may measure once more what its checkpoint holds already.
        self.history[self.current_epoch :] = [Epoch(loss, *self._accuracies())]
        self._log({f"epoch/{name}": value for name, value in self.history[-1]._asdict().items()})

    on_test_epoch_start = on_validation_epoch_start
    test_step = validation_step

    def on_test_epoch_end(self) -> None:
        """Keeps the accuracies on the test images."""
        self.tested = self._accuracies()

    def _accuracies(self) -> Accuracies:
        counts = self.trainer.strategy.reduce(self._counts, reduce_op="sum")
        first, among, seen = counts.tolist()
        return Accuracies(first / seen, among / seen)

    def _train_loss(self) -> Tensor:
        return self.loss_sum / self.loss_count

    def _rate(self) -> float:
        return float(self.trainer.optimizers[0].param_groups[0]["lr"])

    def _log(self, values: dict[str, float]) -> None:
        if self.trainer.logger is not None:
            self.trainer.logger.log_metrics(values, self.trainer.global_step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps what was measured so far, and of what."""
        total = self.trainer.strategy.reduce(self.loss_sum.clone(), reduce_op="mean")
        checkpoint["state_dict"] |= {"loss_sum": total, "loss_count": self.loss_count}
        checkpoint["transfer"] = {"task": self.task, "history": [list(e) for e in self.history]}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes on from what was measured before."""
        self.history = [Epoch(*measured) for measured in checkpoint["transfer"]["history"]]
        state = checkpoint["state_dict"]
        self.loss_sum, self.loss_count = state.pop("loss_sum"), state.pop("loss_count")


def _scaled(images: Tensor) -> Tensor:
    """Images of uint8 with values in [0, 1], in the order of memory that convolutions want."""
    return images.contiguous(memory_format=torch.channels_last) / 255
