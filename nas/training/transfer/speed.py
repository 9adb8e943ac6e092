"""How fast a network is by itself, without the reading of images."""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

from nas.core.architecture import Input
from nas.networks import Classifier
from nas.training.transfer.agreement import in_one_line
from nas.training.transfer.recipe import TransferRecipe

LEAST_STEPS, LEAST_SECONDS = 3, 1.0
_AUTOCAST = {"bf16": torch.bfloat16, "16": torch.float16}


class Speed(NamedTuple):
    """Images a second on one device."""

    training: float
    inference: float


def conditions(recipe: TransferRecipe, batch: int) -> dict[str, object]:
    """What speeds are measured under: device, threads of the processor, precision, batch."""
    gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else platform.processor() or platform.machine()
    threads = torch.get_num_threads()
    return {"device": device, "threads": threads, "precision": recipe.precision, "batch": batch}


@in_one_line()
def measure(classifier: Classifier, size: Input, recipe: TransferRecipe, batch: int) -> Speed:
    """Images a second on random images, on a GPU if there is one, in the recipe's precision.

    Args:
        classifier: a network; a copy of it is measured.
        size: of the images.
        recipe: its precision and momentum count.
        batch: images at a time.

    Raises:
        OutOfMemory: the GPU has not enough.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = copy.deepcopy(classifier).requires_grad_(True).to(device)
    shape = (batch, size.channels, size.height, size.width)
    images = torch.rand(shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(batch, dtype=torch.long, device=device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=recipe.momentum)
    dtype = _AUTOCAST.get(recipe.precision)

    def forward() -> torch.Tensor:
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            logits: torch.Tensor = network(images)
        return logits.float()

    def train() -> None:
        loss = F.cross_entropy(forward(), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def infer() -> None:
        with torch.no_grad():
            forward()

    network.train()
    training = batch * _a_second(train, device)
    network.eval()
    return Speed(training, inference=batch * _a_second(infer, device))


def _a_second(step: Callable[[], None], device: torch.device) -> float:
    """How many times a second something is done, once it is warm."""
    step()
    _wait(device)
    start, steps, seconds = time.perf_counter(), 0, 0.0
    while steps < LEAST_STEPS or seconds < LEAST_SECONDS:
        step()
        steps += 1
        _wait(device)
        seconds = time.perf_counter() - start
    return steps / seconds


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
