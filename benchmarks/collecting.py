"""Networks per hour: ours, those of a plain Lightning loop, and what the convolutions allow.

All three train the same 16 networks of the block space for one epoch of batches of 128, on images
of 8x8 and of 16x16, on the GPU where there is one. Start-up (imports, processes) is left out of all
of them: it takes seconds, once.
"""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from optuna.trial import FrozenTrial
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from experiments.collect import task_of
from experiments.demo import macs_percentile
from experiments.terminal import training_workers
from nas.core.architecture import Architecture
from nas.core.limits import Limits
from nas.core.processes import one_thread_each
from nas.networks import build, initialise
from nas.networks.layers import build_layer
from nas.studies import CollectTask, collect, stream
from nas.studies.storage import opened
from nas.training.data import load_data
from nas.training.recipe import Recipe
from search_spaces import BlockSpace

NETWORKS, BATCH, STEPS = 16, 128, 20
RESOLUTIONS = (8, 16)
PERCENT = 90
"""Of the space's MACs: what lies above is left out, as in the corpora. One of the largest networks
would take as long as all others together."""
REPEATS = 3

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WORKERS = training_workers("auto", DEVICE)
RECIPE = Recipe(epochs=1, batch_size=BATCH, lr=0.02, precision="bf16" if DEVICE == "cuda" else "32")


def collecting() -> dict[str, float]:
    """Networks per hour at each resolution, and the ratios over both."""
    hours = {"ours": 0.0, "plain": 0.0, "limit": 0.0}
    results: dict[str, float] = {}
    for resolution in RESOLUTIONS:
        with tempfile.TemporaryDirectory() as folder:
            task = task_for(resolution, Path(folder))
            networks = [
                s.architecture for s in islice(stream(task.space, 0, task.limits), NETWORKS)
            ]
            took = {
                "ours": ours(task, Path(folder)),
                "plain": plain(task, networks, folder),
                "limit": limit(networks),
            }
        for name, seconds in took.items():
            hours[name] += seconds / 3600
            results[f"collect_{name}_per_hour_{resolution}"] = 3600 * NETWORKS / seconds
    results["collect_vs_plain_lightning"] = hours["plain"] / hours["ours"]
    results["collect_vs_conv_limit"] = hours["limit"] / hours["ours"]
    return results


def task_for(resolution: int, folder: Path) -> CollectTask:
    """Random images: nothing is learnt, and the time is the same."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", BATCH * STEPS), ("val", BATCH), ("test", BATCH)):
        arrays[f"{part}_images"] = rng.integers(
            256, size=(count, resolution, resolution, 3), dtype=np.uint8
        )
        arrays[f"{part}_labels"] = np.arange(count) % 10
    np.savez(folder / "images.npz", **arrays)
    data = f"npz:{folder / 'images.npz'}"
    space = task_of(BlockSpace(), data, RECIPE, 0, Limits()).space
    return task_of(space, data, RECIPE, 0, Limits(max_macs=macs_percentile(space, PERCENT, 0)))


def ours(task: CollectTask, folder: Path) -> float:
    """Seconds from the start of the first training to the end of the last."""
    storage = str(folder / "study.db")
    collect(task, storage=storage, study="bench", networks=NETWORKS, workers=WORKERS)
    with opened(storage) as backend:
        (study,) = backend.get_all_studies()
        trials = backend.get_all_trials(study._study_id)
    starts = (_end(trial) - trial.user_attrs["record"]["seconds"] for trial in trials)
    return max(map(_end, trials)) - float(min(starts))


def _end(trial: FrozenTrial) -> float:
    assert trial.datetime_complete is not None
    return trial.datetime_complete.timestamp()


def plain(task: CollectTask, networks: list[Architecture], folder: str) -> float:
    """Seconds of one Lightning training after the other, with everybody's defaults."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_plain, task.header.data, networks, folder).result()


class Plain(pl.LightningModule):
    """What one writes after the first page of Lightning's documentation."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """The loss of one batch."""
        images, labels = batch
        loss = F.cross_entropy(self.network(images), labels)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """The accuracy on one batch."""
        images, labels = batch
        accuracy = (self.network(images).argmax(1) == labels).float().mean()
        self.log("val_accuracy", accuracy)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's SGD."""
        return torch.optim.SGD(
            self.parameters(), RECIPE.lr, RECIPE.momentum, weight_decay=RECIPE.weight_decay
        )


def _plain(spec: str, networks: list[Architecture], folder: str) -> float:
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    data = load_data(spec)
    train, val = (
        TensorDataset((part.images / 255 - data.mean[0]) / data.std[0], part.labels)
        for part in (data.train, data.val)
    )
    # A GPU and its libraries start here.
    F.conv2d(torch.ones(1, 1, 1, 1, device=DEVICE), torch.ones(1, 1, 1, 1, device=DEVICE))
    start = time.perf_counter()
    for network in networks:
        trainer = pl.Trainer(
            max_epochs=1,
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        module = build(network)
        initialise(module, 0)
        loaders = DataLoader(train, batch_size=BATCH, shuffle=True), DataLoader(val, BATCH)
        trainer.fit(Plain(module), *loaders)
    return time.perf_counter() - start


def limit(networks: list[Architecture]) -> float:
    """Seconds if there were only convolutions and every core (or the GPU) computed all the time."""
    workers = 1 if DEVICE == "cuda" else WORKERS
    longest_first = sorted(networks, key=lambda network: -network.macs)
    with (
        one_thread_each(),
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        return STEPS * sum(pool.map(_convolutions, longest_first)) / workers


def _convolutions(network: Architecture) -> float:
    """Seconds of the convolutions of one training step."""
    placed = [each for each in network.layers() if each.layer.op == "conv"]
    return sum(
        _convolution(build_layer(each.layer, each.in_shape), each.in_shape, index > 0)
        for index, each in enumerate(placed)
    )


def _convolution(module: nn.Module, shape: tuple[int, ...], inner: bool) -> float:
    """Seconds forward and backward; the first of a network needs no gradient of the images."""
    dtype = torch.bfloat16 if RECIPE.precision == "bf16" else torch.float32
    layout: Any = {"device": DEVICE, "dtype": dtype, "memory_format": torch.channels_last}
    images = torch.randn(BATCH, *shape)
    if isinstance(module, nn.Sequential):  # padding, explicit for even windows
        pad, module = module
        images = pad(images)
    module, images = module.to(**layout), images.to(**layout).requires_grad_(inner)
    gradient = torch.randn_like(module(images))

    return _best(lambda: module(images).backward(gradient))


def _best(function: Callable[[], None]) -> float:
    """The shortest of some calls behind a first one: a limit has no bad luck.

    A GPU gets them all at once and tells their mean, in which the launches of its kernels count as
    far as they take longer than the kernels.
    """
    if DEVICE == "cuda":
        function()
        return _on_gpu(lambda: [function() for _ in range(STEPS)]) / STEPS
    times = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _on_gpu(function: Callable[[], object]) -> float:
    """Seconds that the GPU itself takes."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000
