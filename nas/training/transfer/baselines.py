"""torchvision's classifiers, to be beaten: the one place that knows its models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nas.core.architecture import Input
from nas.core.errors import InvalidOption

_UNFIT = (RuntimeError, ValueError, TypeError, AssertionError)  # the models' words for it


class Cost(NamedTuple):
    """What a network costs: learnable parameters, and multiply-accumulates for one image."""

    params: int
    macs: int


def torchvision_network(name: str, size: Input) -> nn.Module:
    """A classifier of torchvision for an input, with initial weights of torch's random numbers.

    Args:
        name: any of `torchvision.models.list_models(module=torchvision.models)`.
        size: of the images, which must be coloured, and the classes.

    Raises:
        InvalidOption: there is no such model, or it is not made for such images.
    """
    from torchvision import models  # type: ignore[import-untyped]

    if name not in models.list_models(module=models):
        raise InvalidOption(
            f"a baseline must be a classifier of torchvision, such as vgg13_bn or resnet50, or "
            f"scaled_vgg13_bn, but got {name!r}"
        )
    if size.channels != 3:
        raise InvalidOption(
            f"torchvision's models take images of 3 channels, but the data set's have "
            f"{size.channels}; take --baseline scaled_vgg13_bn or null"
        )
    try:
        network: nn.Module = models.get_model(
            name, num_classes=size.classes, **_settings(name, size)
        )
    except NotImplementedError:  # a RuntimeError, but about where it is made; see `cost_of`
        raise
    except _UNFIT as error:
        raise _unfit(name, size, error) from error
    return network


def _settings(name: str, size: Input) -> dict[str, Any]:
    """What some models must be told."""
    if name.startswith("vit_"):
        return {"image_size": size.height}
    if name == "maxvit_t":
        return {"input_size": (size.height, size.width)}
    if name in ("googlenet", "inception_v3"):  # their other outputs need a loss of their own
        return {"aux_logits": False, "init_weights": True}
    return {}


def cost_of(make: Callable[[], nn.Module], name: str, size: Input) -> Cost:
    """Parameters and MACs, by sending an image through that is all shape and no numbers.

    Args:
        make: gives the network.
        name: of it, for the message.
        size: of the images.

    Raises:
        InvalidOption: the network is not made for such images.
    """
    try:
        with torch.device("meta"):
            network = make()
    except NotImplementedError:  # it looks at its own weights while it is made
        network = make().to("meta")
    image = torch.empty(1, size.channels, size.height, size.width, device="meta")
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(image)
    except _UNFIT as error:
        raise _unfit(name, size, error) from error
    params = sum(each.numel() for each in network.parameters() if each.requires_grad)
    return Cost(params, counter.get_total_flops() // 2)


def _unfit(name: str, size: Input, error: Exception) -> InvalidOption:
    return InvalidOption(
        f"{name} must take images of {size.width}x{size.height}, but: "
        f"{' '.join(str(error).split())}; take another --baseline or --resolution"
    )
