"""Training of one network for long: any number of devices, killed and resumed at will."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from lightning_fabric.utilities.rank_zero import rank_zero_only
from pytorch_lightning.loggers import TensorBoardLogger

from nas.core.errors import InvalidData, InvalidOption
from nas.networks import Classifier
from nas.training.data.streamed_batches import Everything, Order, Share, StreamedBatches, Views
from nas.training.data.streaming import Source, StreamedData, as_seen, augmentation
from nas.training.lightning import LeaveSigterm, interruptible, quiet
from nas.training.transfer.agreement import Agreement, ending_together, in_one_line
from nas.training.transfer.checkpoints import Checkpoints, State, WholeFiles, read_state
from nas.training.transfer.machines import Machines
from nas.training.transfer.module import Accuracies, Epoch, TransferTraining
from nas.training.transfer.recipe import TransferRecipe

CHECKPOINT = "last.ckpt"
_PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


@dataclass(frozen=True)
class Standing:
    """How far a training is.

    Attributes:
        step: steps of the optimizer so far.
        steps: in all.
        epoch: the current one, from 1.
        top1: validation accuracy of the epoch before; None in the first.
        eta: seconds left, by the time that this command's own steps took.
    """

    step: int
    steps: int
    epoch: int
    top1: float | None
    eta: float


OnStep = Callable[[Standing], None]


@dataclass(frozen=True, eq=False)
class Transferred:
    """What a training gave.

    Attributes:
        history: of each epoch.
        tested: on the test images, at the end.
        classifier: trained, on the CPU, in evaluation mode; averaged if the recipe says so.
    """

    history: tuple[Epoch, ...]
    tested: Accuracies
    classifier: Classifier = field(repr=False)


def train_long(
    classifier: Classifier,
    data: StreamedData,
    recipe: TransferRecipe,
    folder: Path,
    *,
    seed: int = 0,
    machines: Machines | None = None,
    task: dict[str, Any] | None = None,
    resume: bool = False,
    on_step: OnStep | None = None,
) -> Transferred:
    """Trains one network, with checkpoints and TensorBoard's logs in a folder.

    On a CPU with a given number of threads the same seed gives the same network bit for bit,
    however often the training was killed and resumed, and with any number of loaders.

    Args:
        classifier: with initial weights, which come from the caller's seed; trained in place.
        data: must feed what the network is for.
        recipe: how to train.
        folder: for `last.ckpt` and the logs.
        seed: of the order of the images, their augmentation, and dropout.
        machines: where to train.
        task: JSON that tells this training from others; a checkpoint of another one is refused.
        resume: go on from the folder's checkpoint, if there is one.
        on_step: called behind each step, in the first process only.

    Raises:
        InvalidData: there are too few images, or one cannot be read.
        InvalidOption: a package is missing, the batches cannot be split among the devices, the
            training diverged, or there is a checkpoint of another one.
        OutOfMemory: the GPU has not enough.
        ProcessLost: of several processes another one ended.
    """
    machines = machines or Machines()
    check_machines(recipe, machines)
    check_batches(data, recipe, machines.world)
    state, task = check_training(folder, task or {}, resume), task or {}
    if is_first():
        for left in folder.glob(f"{CHECKPOINT}.*.tmp"):  # by one that was killed while it wrote
            left.unlink(missing_ok=True)
    module = TransferTraining(classifier, recipe, seed, task)
    agreement, begun = Agreement(), Begun(task, state.step if state else 0)
    strategy = machines.strategy_for(classifier, data.input)
    with (
        ending_together(),
        in_one_line(),
        torch.random.fork_rng([]),
        quiet(),
        interruptible(),
    ):
        checkpoints = Checkpoints(folder / CHECKPOINT, machines.checkpoint_minutes, agreement)
        callbacks = [checkpoints, *([_Told(on_step, begun.step)] if on_step else [])]
        trainer = _trainer(recipe, machines, strategy, folder, state, callbacks)
        # Lightning cannot know that our batches go on inside an epoch.
        warnings.filterwarnings("ignore", message="You're resuming from a checkpoint that ended")
        loaders = _Loaders(data, recipe, seed, begun, machines.loaders, agreement)
        start = str(folder / CHECKPOINT) if state else None
        try:
            trainer.fit(module, datamodule=loaders, ckpt_path=start, weights_only=True)
            trainer.test(module, datamodule=loaders, verbose=False)
        finally:
            loaders.close()
    assert module.tested is not None
    trained = module.judged.cpu().eval().requires_grad_(True)
    return Transferred(tuple(module.history), module.tested, trained)


def check_machines(recipe: TransferRecipe, machines: Machines) -> None:
    """Refuses what cannot be trained here.

    Raises:
        InvalidOption: the precision needs a GPU, or other processes were started.
    """
    if recipe.precision == "16" and not torch.cuda.is_available():
        raise InvalidOption(
            "precision 16 must have a CUDA device, but there is none; take bf16 or 32"
        )
    machines.environment()


def check_training(folder: Path, task: dict[str, Any], resume: bool) -> State | None:
    """Where the folder's training stands, if there is one; the arguments are `train_long`'s.

    Raises:
        InvalidOption: TensorBoard is missing, there is a checkpoint and no wish to resume, or it
            is one of another task.
    """
    if find_spec("tensorboard") is None:
        raise InvalidOption(
            "a transfer needs tensorboard for its logs, but it is missing: pip install "
            "'peephole-nas[transfer]'"
        )
    state = read_state(folder / CHECKPOINT)
    if state is None:
        return None
    if not resume:
        raise InvalidOption(
            f"--out must be a new folder, but {folder} holds a training of {state.step} steps; "
            "add --resume to go on, or take another --out"
        )
    known = state.task  # of an older checkpoint a name may be missing
    differing = [name for name in task if known.get(name, task[name]) != task[name]]
    if differing:
        name = differing[0]
        raise InvalidOption(
            f"a training can only be resumed as it was begun, but {name} was {known[name]} and is "
            f"{task[name]}{_others(differing[1:])}; give the options it was begun with, or take "
            "another --out"
        )
    return state


def _others(names: Sequence[str]) -> str:
    return f", and so with {', '.join(names)}" if names else ""


def check_batches(data: StreamedData, recipe: TransferRecipe, world: int) -> None:
    """Refuses batches that cannot be.

    Raises:
        InvalidData: an epoch would have no step, or a device nothing to judge.
        InvalidOption: a step cannot be split evenly among the devices.
    """
    size, parts = recipe.batch_size, world * recipe.accumulate
    if size % parts or size // parts < 2:
        raise InvalidOption(
            f"batch_size must be a multiple of devices times accumulate ({parts}), and leave "
            f"each at least 2 images, but got {size}; change it, or --devices"
        )
    if len(data.train) < size:
        raise InvalidData(
            f"{data.name} must have at least as many training images as a step sees ({size}), "
            f"but has {len(data.train)}; lower --recipe.batch_size"
        )
    fewest = min(len(data.val), len(data.test))
    if fewest < world:
        raise InvalidData(
            f"{data.name} must have an image to judge for each of {world} devices, but has {fewest}"
        )


def is_first() -> bool:
    """Whether this is the process that tells and writes, of those that train together."""
    return not getattr(rank_zero_only, "rank", 0)


class Begun(NamedTuple):
    """What all processes of a training must begin with: the same task at the same step."""

    task: dict[str, Any]
    step: int


class _Loaders(pl.LightningDataModule):
    """The batches of whatever process asks for them."""

    def __init__(
        self,
        data: StreamedData,
        recipe: TransferRecipe,
        seed: int,
        begun: Begun,
        loaders: int,
        agreement: Agreement,
    ) -> None:
        super().__init__()
        self._data, self._recipe, self._seed = data, recipe, seed
        self._begun, self._loaders, self._agreement = begun, loaders, agreement
        self._open: list[StreamedBatches] = []

    def setup(self, stage: str) -> None:
        """Called in all processes, once they know each other.

        Raises:
            InvalidOption: they do not train the same.
        """
        self._agreement.begin()
        if not self._agreement.same(self._begun):
            raise InvalidOption(
                "all processes must train the same network from the same step, but they differ; "
                "give --out on storage that all machines share, and --architecture instead of "
                "--surrogate"
            )

    def train_dataloader(self) -> StreamedBatches:
        """Shuffled and augmented; another order each epoch."""
        recipe, source = self._recipe, self._data.train
        share, accumulate = self._share(), recipe.accumulate
        taken = self._begun.step * accumulate
        order = Order(len(source), recipe.batch_size, accumulate, self._seed, share, taken)
        transform = augmentation(self._data, recipe.augment, recipe.min_area)
        return self._batches(Views(source, transform, self._seed), order)

    def val_dataloader(self) -> StreamedBatches:
        """What is looked at after each epoch."""
        return self._evaluation(self._data.val)

    def test_dataloader(self) -> StreamedBatches:
        """What the final figures come from."""
        return self._evaluation(self._data.test)

    def close(self) -> None:
        """Ends all processes that read."""
        for batches in self._open:
            batches.close()

    def _evaluation(self, source: Source) -> StreamedBatches:
        share, recipe = self._share(), self._recipe
        size = recipe.batch_size // recipe.accumulate // share.world
        views = Views(source, as_seen(self._data), self._seed)
        return self._batches(views, Everything(len(source), size, share))

    def _batches(self, views: Views, order: Order | Everything) -> StreamedBatches:
        assert self.trainer is not None
        settle = self._agreement.settle
        pin = self.trainer.strategy.root_device.type == "cuda"
        self._open.append(StreamedBatches(views, order, self._loaders, pin, settle))
        return self._open[-1]

    def _share(self) -> Share:
        assert self.trainer is not None
        return Share(self.trainer.global_rank, self.trainer.world_size)


class _Told(pl.Callback):
    """Tells each step."""

    def __init__(self, on_step: OnStep, begun: int) -> None:
        self._on_step, self._begun = on_step, begun
        self._start = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Starts the clock."""
        self._start = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Tells where things stand."""
        assert isinstance(pl_module, TransferTraining)
        if not trainer.is_global_zero or (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        step, epochs = trainer.global_step, trainer.max_epochs or 0
        steps = int(trainer.num_training_batches) // trainer.accumulate_grad_batches * epochs
        seconds = time.monotonic() - self._start
        top1 = pl_module.history[-1].top1 if pl_module.history else None
        eta = seconds / (step - self._begun) * (steps - step)
        self._on_step(Standing(step, steps, trainer.current_epoch + 1, top1, eta))


def _trainer(
    recipe: TransferRecipe,
    machines: Machines,
    strategy: str,
    folder: Path,
    state: State | None,
    callbacks: Sequence[pl.Callback],
) -> pl.Trainer:
    """Lightning's Trainer, which finds the processes that torchrun or a job scheduler started."""
    environment = machines.environment()
    try:
        return pl.Trainer(
            accelerator="auto",
            devices=machines.devices,
            num_nodes=machines.nodes,
            strategy=strategy,
            precision=_PRECISIONS[recipe.precision],  # type: ignore[arg-type]
            max_epochs=recipe.epochs,
            accumulate_grad_batches=recipe.accumulate,
            plugins=[WholeFiles(), *([environment] if environment else [])],
            callbacks=[LeaveSigterm(), *callbacks],
            # What the logs hold of steps behind the checkpoint is not shown any more.
            logger=TensorBoardLogger(
                folder,
                "logs",
                "",
                purge_step=state and state.step + 1,
                default_hp_metric=False,
            ),
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        raise InvalidOption(
            f"devices, nodes and precision must be such as Lightning finds here, but: "
            f"{' '.join(str(error).split())}"
        ) from error
