"""The same network with more or fewer channels, so that it costs what it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nas.core.architecture import Architecture, Block, Layer
from nas.core.errors import InvalidOption
from nas.core.limits import Limits

WIDEST = 2**17
"""Channels of the widest layer that nobody wants: limits that allow them bound nothing."""


@dataclass(frozen=True)
class Scaled:
    """An architecture brought to a size.

    Attributes:
        architecture: with its new numbers of channels.
        multiplier: what the numbers of channels were multiplied by; each is the nearest whole
            number to that, or up to two more.
    """

    architecture: Architecture
    multiplier: float


def with_channels(architecture: Architecture, channels: Mapping[int, int]) -> Architecture:
    """The architecture with other absolute numbers of channels; ratios stay.

    Args:
        architecture: whose stages have these widths, and whose layers those of their `width`.
        channels: the new number for each old one.
    """

    def block(layers: Block) -> Block:
        return tuple(replace(layer, width=_of(layer, channels)) for layer in layers)

    skeleton = architecture.skeleton
    wider = replace(
        skeleton,
        widths=tuple(channels[width] for width in skeleton.widths),
        stem=block(skeleton.stem),
        reduction=block(skeleton.reduction),
        head=block(skeleton.head),
    )
    return replace(architecture, blocks=tuple(map(block, architecture.blocks)), skeleton=wider)


def scale_to(architecture: Architecture, limits: Limits) -> Scaled:
    """The widest form of the network that keeps within the limits.

    All absolute numbers of channels, those of the stages and of layers with a `width`, are
    multiplied by one number, found by bisection, and rounded to whole channels. What is left is
    spent on up to two channels more, where they fit: in the widest layers first. Bounds such as
    ImageNet networks have are met within a percent.

    Args:
        architecture: in a skeleton with stages.
        limits: on parameters, MACs or both; without any the network stays as it is.

    Raises:
        InvalidArchitecture: it has no stages, or its layers cannot be placed with other widths.
        InvalidOption: no width keeps within the limits, or every one does.
    """
    if limits == Limits():
        return Scaled(architecture, 1.0)
    numbers = channel_numbers(architecture)

    def at(multiplier: float, more: tuple[int, ...] = ()) -> Architecture:
        rounded = {n: max(1, int(n * multiplier + 0.5)) + more.count(n) for n in numbers}
        return with_channels(architecture, rounded)

    low, high = 0.0, WIDEST / max(numbers)
    _check_bounds(limits, at(low), at(high))
    while (high - low) * max(numbers) > 0.01:  # channels
        middle = (low + high) / 2
        low, high = (middle, high) if limits.allow(at(middle)) else (low, middle)
    more: tuple[int, ...] = ()
    for number in 2 * sorted(numbers, reverse=True):
        wider = at(low, (*more, number))
        # A 1x1 adapter that is not needed any more can make the wider network the cheaper one.
        if limits.allow(wider) and wider.params > at(low, more).params:
            more = (*more, number)
    return Scaled(at(low, more), low)


def channel_numbers(architecture: Architecture) -> set[int]:
    """All absolute numbers of channels: of stages, and of layers with a `width`."""
    skeleton = architecture.skeleton
    parts = (skeleton.stem, skeleton.reduction, skeleton.head, *architecture.blocks)
    widths = {layer.width for part in parts for layer in part if layer.width is not None}
    return widths | set(skeleton.widths)


def _of(layer: Layer, channels: Mapping[int, int]) -> int | None:
    return None if layer.width is None else channels[layer.width]


def _check_bounds(limits: Limits, narrowest: Architecture, widest: Architecture) -> None:
    if not limits.allow(narrowest):
        raise InvalidOption(
            f"max_params and max_macs must leave room for one channel, which takes "
            f"{narrowest.params:,} parameters and {narrowest.macs:,} MACs, but got {_told(limits)}"
        )
    if limits.allow(widest):
        raise InvalidOption(
            f"max_params and max_macs must bound the network, but {WIDEST:,} channels keep within "
            f"{_told(limits)}; lower them"
        )


def _told(limits: Limits) -> str:
    bounds = (("max_params", limits.max_params), ("max_macs", limits.max_macs))
    return " and ".join(f"{name}={bound:,}" for name, bound in bounds if bound is not None)
