"""What layers do: output shape, parameters and multiply-accumulates, computed without torch.

Shapes are `(channels, height, width)` of one image. An `Op` has no state: everything that differs
between two layers of one op stands in the `Layer`. Spatial sizes follow one rule: "same" padding,
`ceil(size / stride)`, unless the layer says `args={"padding": "valid"}`.

MACs count multiply-accumulates of convolutions and linear layers, as torch's FlopCounterMode / 2
does; everything else counts as free.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from nas.core.errors import InvalidArchitecture

if TYPE_CHECKING:
    from nas.core.architecture import Layer

Shape = tuple[int, int, int]


class Cost(NamedTuple):
    """What one placed layer gives and costs."""

    out_shape: Shape
    params: int = 0
    macs: int = 0


class Op(ABC):
    """What a layer does.

    A user's own op is a subclass in any importable module, named in `Layer.op` by its dotted
    path. It also defines `build(layer, in_shape) -> torch.nn.Module`, which `nas.networks` calls.

        class Scale(Op):
            def place(self, layer, in_shape):
                return Cost(in_shape, params=in_shape[0])

            def build(self, layer, in_shape):
                return PerChannelScale(in_shape[0])
    """

    @abstractmethod
    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """Output shape, parameters and MACs of `layer` on one image of `in_shape`."""

    def merge(self, shapes: list[Shape]) -> Shape:
        """The shape this op sees when it has several predecessors: their sum, so all are equal."""
        if any(shape != shapes[0] for shape in shapes):
            raise InvalidArchitecture(
                f"inputs that are summed must have one shape, but got {shapes}; "
                "insert a 1x1 convolution or use the op 'concat'"
            )
        return shapes[0]

    def build(self, layer: Layer, in_shape: Shape) -> Any:
        """The torch module of a user's own op; the built-in ones live in `nas.networks`."""
        raise InvalidArchitecture(
            f"an op of one's own must define build(layer, in_shape), but {type(self).__name__} "
            "has none; add it and return a torch.nn.Module"
        )


def spatial(layer: Layer, in_shape: Shape) -> tuple[int, int]:
    """Height and width behind a window of `layer.kernel` (w, h) moved by `layer.stride`."""
    (width, height), stride = layer.kernel, layer.stride
    if layer.argument("padding") == "valid":
        out = tuple(
            (size - window) // stride + 1
            for size, window in zip(in_shape[1:], (height, width), strict=True)
        )
        if min(out) < 1:
            raise InvalidArchitecture(
                f"a window must fit into its map, but got {width}x{height} on "
                f"{in_shape[2]}x{in_shape[1]} in {layer}; use 'same' padding or a smaller window"
            )
        return out[0], out[1]
    return -(-in_shape[1] // stride), -(-in_shape[2] // stride)


def out_channels(layer: Layer, in_channels: int) -> int:
    """Absolute `width` if given, else the nearest whole number to ratio x channels, at least 1."""
    if layer.width is not None:
        return layer.width
    ratio = 1.0 if layer.ratio is None else layer.ratio
    return max(1, int(in_channels * ratio + 0.5))


class Convolution(Op):
    """A 2-d convolution with a bias (`args={"bias": false}` drops it); `groups` as in torch."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        channels, out = in_shape[0], out_channels(layer, in_shape[0])
        if channels % layer.groups or out % layer.groups:
            raise InvalidArchitecture(
                f"groups must divide the channels, but got {layer.groups} groups for "
                f"{channels} -> {out} channels; change groups or width"
            )
        height, width = spatial(layer, in_shape)
        weights = channels // layer.groups * out * layer.kernel[0] * layer.kernel[1]
        bias = out if layer.argument("bias", True) else 0
        return Cost((out, height, width), weights + bias, weights * height * width)


class Depthwise(Op):
    """A convolution of each channel by itself: groups equal to the channels, width kept."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        height, width = spatial(layer, in_shape)
        weights = in_shape[0] * layer.kernel[0] * layer.kernel[1]
        bias = in_shape[0] if layer.argument("bias", True) else 0
        return Cost((in_shape[0], height, width), weights + bias, weights * height * width)


class InvertedBottleneck(Op):
    """MobileNet v2's block: 1x1 expansion by `args["expand"]`, depthwise, 1x1 projection.

    Each convolution is without bias and followed by batch normalisation; the input is added where
    the shape is kept. With expansion 1 the first convolution is left out.
    """

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        channels, out = in_shape[0], out_channels(layer, in_shape[0])
        height, width = spatial(layer, in_shape)
        expand = int(layer.argument("expand", 6))
        hidden = channels * expand
        first = channels * hidden if expand != 1 else 0
        depthwise = hidden * layer.kernel[0] * layer.kernel[1]
        last = hidden * out
        norms = 2 * ((hidden if first else 0) + hidden + out)
        macs = first * in_shape[1] * in_shape[2] + (depthwise + last) * height * width
        return Cost((out, height, width), first + depthwise + last + norms, macs)


class Pool(Op):
    """Max or average pooling; the average leaves the padding out of account."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        return Cost((in_shape[0], *spatial(layer, in_shape)))


class GlobalPool(Op):
    """The average over what is left of the map: `(channels, 1, 1)`."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        return Cost((in_shape[0], 1, 1))


class Dense(Op):
    """A linear layer over the flattened map, with a bias."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        features = in_shape[0] * in_shape[1] * in_shape[2]
        if layer.width is None:
            raise InvalidArchitecture(
                f"a dense layer must have a width, but got {layer}; give it width=N"
            )
        weights = features * layer.width
        return Cost((layer.width, 1, 1), weights + layer.width, weights)


class BatchNorm(Op):
    """Batch normalisation with a learnt scale and shift for each channel."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        return Cost(in_shape, 2 * in_shape[0])


class Pointwise(Op):
    """What keeps the shape and has no parameters: activations, dropout, identity, sum, zero."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        return Cost(in_shape)


class Concat(Op):
    """Stacks the channels of its predecessors, which must have one height and width."""

    def place(self, layer: Layer, in_shape: Shape) -> Cost:
        """See `Op.place`."""
        return Cost(in_shape)

    def merge(self, shapes: list[Shape]) -> Shape:
        """See `Op.merge`."""
        if any(shape[1:] != shapes[0][1:] for shape in shapes):
            raise InvalidArchitecture(
                f"inputs of concat must have one height and width, but got {shapes}; "
                "pool or stride them alike"
            )
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])


# The paper's seven types come first and in its order: their places are its integer codes 1..7.
OPS: Mapping[str, Op] = {
    "conv": Convolution(),
    "max_pool": Pool(),
    "avg_pool": Pool(),
    "relu": Pointwise(),
    "sigmoid": Pointwise(),
    "tanh": Pointwise(),
    "batch_norm": BatchNorm(),
    "dense": Dense(),
    "dropout": Pointwise(),
    "global_pool": GlobalPool(),
    "identity": Pointwise(),
    "zero": Pointwise(),
    "add": Pointwise(),
    "concat": Concat(),
    "depthwise": Depthwise(),
    "inverted_bottleneck": InvertedBottleneck(),
}


@cache
def find_op(name: str) -> Op:
    """The op of that name: a built-in one, or a user's class by its dotted path.

    A dotted path is imported, so that an architecture or a corpus with ops of one's own is code:
    read such files only where their origin is trusted.

    Raises:
        InvalidArchitecture: there is no such op.
    """
    if name in OPS:
        return OPS[name]
    module, _, attribute = name.rpartition(".")
    dotted = module and all(part.isidentifier() for part in name.split("."))
    try:
        found = getattr(importlib.import_module(module), attribute) if dotted else None
    except Exception as error:  # a user's module may raise anything
        raise InvalidArchitecture(f"the op {name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Op)):
        raise InvalidArchitecture(
            f"an op must be one of {', '.join(OPS)}, or the dotted path of a subclass of "
            f"nas.core.ops.Op, but got {name!r}"
        )
    return found()
