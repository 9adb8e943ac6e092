"""A whole network: a chain that runs as a plain loop, or a graph that forgets what it can."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nas.core.architecture import Architecture, PlacedLayer
from nas.core.ops import Concat, find_op
from nas.networks.layers import build_layer

# Behind these a ReLU may overwrite its input: torch keeps it for no backward pass.
_OVERWRITABLE = frozenset({"conv", "depthwise", "batch_norm", "dense"})


def build(architecture: Architecture) -> nn.Module:
    """The network as a module that maps images (n, channels, height, width) to logits (n, classes).

    Its weights are torch's defaults, out of the global random numbers; see `initialise`. It holds
    exactly `architecture.params` parameters.

    Raises:
        InvalidArchitecture: layers that cannot be placed, or an op that cannot be built.
    """
    placed = architecture.layers()
    modules = [build_layer(each.layer, each.in_shape) for each in placed]
    sources = _sources(placed)
    for index in _overwriting(placed, sources):
        modules[index] = nn.ReLU(inplace=True)
    if all(source == (index - 1,) for index, source in enumerate(sources)):
        return Chain(modules)
    concat = [isinstance(find_op(each.layer.op), Concat) for each in placed]
    return Graph(modules, sources, concat)


class Chain(nn.Sequential):
    """Layers one after the other."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__(*modules)

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (n, channels, height, width) to logits (n, classes)."""
        for module in self:
            x = module(x)
        return x.flatten(1)


class _Step(NamedTuple):
    """How a graph merges the inputs of a layer, and which values nobody needs behind it."""

    sources: tuple[int, ...]
    concat: bool
    last_uses: tuple[int, ...]


class Graph(nn.Module):
    """Layers with any predecessors.

    Args:
        modules: in the order of computation.
        sources: for each the numbers of its predecessors; -1 is the image.
        concat: for each whether several predecessors are concatenated, not summed.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        sources: Sequence[tuple[int, ...]],
        concat: Sequence[bool],
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(modules)
        used: dict[int, int] = {}
        for index, source in enumerate(sources):
            used |= dict.fromkeys((*source, index), index)
        used.pop(len(sources) - 1, None)  # the logits
        self._steps = [
            _Step(source, stacked, tuple(value for value, last in used.items() if last == index))
            for index, (source, stacked) in enumerate(zip(sources, concat, strict=True))
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (n, channels, height, width) to logits (n, classes)."""
        values = {-1: x}
        for index, (module, step) in enumerate(zip(self.layers, self._steps, strict=True)):
            merged = _merge([values[source] for source in step.sources], step.concat)
            values[index] = module(merged)
            for value in step.last_uses:
                del values[value]
        (logits,) = values.values()
        return logits.flatten(1)


def _merge(inputs: list[Tensor], concat: bool) -> Tensor:
    if len(inputs) == 1:
        return inputs[0]
    return torch.cat(inputs, dim=1) if concat else reduce(torch.add, inputs)


def _sources(placed: Sequence[PlacedLayer]) -> list[tuple[int, ...]]:
    """Numbers of each layer's predecessors in the whole network; -1 is the image.

    Offsets count inside a block, but blocks follow each other without gaps and a block's input is
    the output of the layer before it: so the same offsets hold in the whole network.
    """
    return [
        tuple(index + offset for offset in each.layer.inputs) for index, each in enumerate(placed)
    ]


def _overwriting(placed: Sequence[PlacedLayer], sources: Sequence[tuple[int, ...]]) -> list[int]:
    """The ReLUs that may work in place: their input is nobody else's and not kept by autograd."""
    uses = [source for each in sources for source in each]
    return [
        index
        for index, (each, source) in enumerate(zip(placed, sources, strict=True))
        if each.layer.op == "relu"
        and len(source) == 1
        and source[0] >= 0
        and placed[source[0]].layer.op in _OVERWRITABLE
        and uses.count(source[0]) == 1
    ]
