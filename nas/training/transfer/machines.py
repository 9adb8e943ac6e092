"""Where a network is trained: devices, machines, and who starts the processes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from nas.core.architecture import Input
from nas.core.errors import InvalidOption
from nas.networks import Classifier

Strategy = Literal["auto", "ddp", "ddp_find_unused_parameters_true"]


@dataclass(frozen=True)
class Machines:
    """Where a network is trained; nothing of it changes what comes out but in the last digits.

    Attributes:
        devices: GPUs of each machine, or processes where there is none; "auto" takes all GPUs.
        nodes: machines.
        strategy: of Lightning, for several devices: "ddp", or "ddp_find_unused_parameters_true" for
            networks with parameters that get no gradient; "auto" finds out.
        loaders: processes that read images, for each device.
        checkpoint_minutes: between two checkpoints.
    """

    devices: int | Literal["auto"] = "auto"
    nodes: int = 1
    strategy: Strategy = "auto"
    loaders: int = 4
    checkpoint_minutes: float = 10.0

    def __post_init__(self) -> None:
        counts = {"devices": self.devices, "nodes": self.nodes}
        for name, number in counts.items():
            if number != "auto" and number < 1:
                raise InvalidOption(f"{name} must be at least 1, but got {number}")
        for name in ("loaders", "checkpoint_minutes"):
            if getattr(self, name) < 0:
                raise InvalidOption(f"{name} must be 0 or more, but got {getattr(self, name)}")
        if self.strategy not in get_args(Strategy):
            raise InvalidOption(
                f"strategy must be one of {', '.join(get_args(Strategy))}, but got "
                f"{self.strategy!r}"
            )

    @property
    def world(self) -> int:
        """How many devices take part."""
        each = torch.cuda.device_count() or 1 if self.devices == "auto" else self.devices
        return each * self.nodes

    def strategy_for(self, classifier: Classifier, size: Input) -> str:
        """The strategy by which Lightning trains a network."""
        if self.strategy != "auto" or self.world == 1:
            return self.strategy
        reached = reaches_all(classifier, size)
        return "ddp" if reached else "ddp_find_unused_parameters_true"

    def environment(self) -> ClusterEnvironment | None:
        """Who started this process, if it is torchrun or Slurm; else Lightning finds out.

        Raises:
            InvalidOption: they started others than these machines have.
        """
        try:
            found: ClusterEnvironment | None = None
            if TorchElasticEnvironment.detect():
                found = TorchElasticEnvironment()
            elif SLURMEnvironment.detect():
                # Lightning would put a checkpoint of its own into the working folder.
                found = SLURMEnvironment(auto_requeue=False)
            if found is not None:
                found.validate_settings(self.world // self.nodes, self.nodes)
        except (ValueError, RuntimeError) as error:
            raise InvalidOption(
                f"--devices and --nodes must be those of torchrun or the job scheduler, but: "
                f"{' '.join(str(error).split())}"
            ) from error
        return found


def reaches_all(classifier: Classifier, size: Input) -> bool:
    """Whether a gradient reaches every parameter; False where that cannot be told.

    It is tried with images that are all shape and no numbers. Behind a layer "zero" parameters get
    none, and DDP waits for it unless it is told to look.
    """
    network = copy.deepcopy(classifier).to("meta").train()
    images = torch.empty(2, size.channels, size.height, size.width, device="meta")
    try:
        network(images).sum().backward()
    except Exception:  # a user's own op may look at numbers, and raise anything
        return False
    return all(each.grad is not None for each in network.parameters() if each.requires_grad)
