"""The networks that are trained beside each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from nas.core.architecture import Architecture, Input
from nas.core.errors import InvalidOption
from nas.core.limits import Limits
from nas.core.scaling import scale_to
from search_spaces import light_skeleton, vgg13_bn, vgg_skeleton

if TYPE_CHECKING:
    from torch import nn

    Make = Callable[[Architecture, int], nn.Module]

Skeletons = Literal["vgg", "light"]
SKELETONS = {"vgg": vgg_skeleton, "light": light_skeleton}

OURS = "searched"
SCALED = "scaled_vgg13_bn"


@dataclass(frozen=True)
class Contestant:
    """A network before it is trained.

    Attributes:
        name: in tables, and of its folder.
        network: tells it from others: an architecture's key, or torchvision's name.
        make: gives it with initial weights from a seed.
        params: learnable parameters.
        macs: multiply-accumulates for one image.
        told: how it came about, in words.
        architecture: of ours; None for torchvision's.
    """

    name: str
    network: str
    make: Callable[[int], nn.Module]
    params: int
    macs: int
    told: str
    architecture: Architecture | None = None


def searched(
    architecture: Architecture, skeleton: Skeletons, size: Input, limits: Limits
) -> Contestant:
    """The blocks of a found network in a larger skeleton, as wide as the limits allow.

    Args:
        architecture: with one block for all places, or one for each stage; those are spread over
            the larger skeleton's stages in their order.
        skeleton: the larger one.
        size: of the images.
        limits: on its cost.

    Raises:
        InvalidArchitecture: its blocks cannot stand there.
        InvalidOption: it has no stages, or no width keeps within the limits.
    """
    stages, designs = len(architecture.skeleton.widths), len(architecture.blocks)
    if not stages or designs not in (1, stages):
        raise InvalidOption(
            f"a transfer needs one block for all places or one for each stage, but {designs} "
            f"stand in the {stages} stages of {architecture.key}; take a network of BlockSpace, or "
            "of another space of blocks"
        )
    larger = SKELETONS[skeleton]()
    places = len(larger.widths)
    blocks = tuple(architecture.blocks[place * designs // places] for place in range(places))
    if designs == 1:
        blocks = architecture.blocks
    scaled = scale_to(Architecture(blocks, larger, size), limits)
    widths = "-".join(str(width) for width in scaled.architecture.skeleton.widths)
    told = f"{architecture.key} in the skeleton '{skeleton}' x {scaled.multiplier:.3f}: {widths}"
    return _ours(OURS, scaled.architecture, told)


def baseline(name: str, size: Input, macs: int) -> Contestant:
    """A network to beat.

    Args:
        name: of torchvision's, or "scaled_vgg13_bn": as wide as gives these MACs.
        size: of the images.
        macs: of the searched network.

    Raises:
        InvalidOption: there is no such network, or it does not take such images.
    """
    if name == SCALED:
        scaled = scale_to(vgg13_bn(size), Limits(max_macs=macs))
        return _ours(name, scaled.architecture, f"VGG-13-BN x {scaled.multiplier:.3f}", _vgg)
    from nas.training.transfer.baselines import cost_of, torchvision_network

    cost = cost_of(partial(torchvision_network, name, size), name, size)
    make = partial(_torchvision, name, size)
    return Contestant(name, name, make, cost.params, cost.macs, "torchvision's")


def _ours(name: str, architecture: Architecture, told: str, make: Make | None = None) -> Contestant:
    made = partial(make or _built, architecture)
    params, macs = architecture.params, architecture.macs
    return Contestant(name, architecture.key, made, params, macs, told, architecture)


def _built(architecture: Architecture, seed: int) -> nn.Module:
    from nas.networks import build, initialise

    network = build(architecture)
    initialise(network, seed)
    return network


def _vgg(architecture: Architecture, seed: int) -> nn.Module:
    """With dense layers drawn as torchvision draws them, by which VGG learns far sooner.

    The convolutions keep He's weights by fan_in, where torchvision takes fan_out. The dense layers
    are drawn from the seed anew: they share random numbers with the first convolutions.
    """
    import torch
    from torch import nn

    network = _built(architecture, seed)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01, generator=generator)
    return network


def _torchvision(name: str, size: Input, seed: int) -> nn.Module:
    import torch

    from nas.training.transfer.baselines import torchvision_network

    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return torchvision_network(name, size)
