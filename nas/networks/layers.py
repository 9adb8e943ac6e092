"""One torch module for each layer of an architecture.

All modules take and give maps (n, channels, height, width); behind a dense layer height and width
are 1. "Same" padding gives ceil(size / stride) and is asymmetric for even windows, left and top
(k - 1) // 2, right and bottom k // 2. It is always explicit: torch's `padding="same"` copies the
input of even windows too, and knows no strides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.core.architecture import Layer
from nas.core.errors import InvalidArchitecture
from nas.core.ops import OPS, Shape, find_op, out_channels, spatial


def build_layer(layer: Layer, in_shape: Shape) -> nn.Module:
    """The module of one layer for an input of `in_shape` (channels, height, width).

    Raises:
        InvalidArchitecture: a user's own op does not build a module.
    """
    if layer.op in OPS:
        return _BUILDERS[layer.op](layer, in_shape)
    module = find_op(layer.op).build(layer, in_shape)
    if not isinstance(module, nn.Module):
        raise InvalidArchitecture(
            f"build of the op {layer.op!r} must return a torch.nn.Module, but got a "
            f"{type(module).__name__}; return the module that computes the layer"
        )
    return module


def _convolution(
    layer: Layer, channels: int, out: int, groups: int, bias: bool
) -> nn.Conv2d | nn.Sequential:
    width, height = layer.kernel
    window, valid = (height, width), layer.argument("padding") == "valid"
    even = not valid and (height % 2 == 0 or width % 2 == 0)
    padding = (0, 0) if valid or even else (height // 2, width // 2)
    conv = nn.Conv2d(channels, out, window, layer.stride, padding, groups=groups, bias=bias)
    if not even:
        return conv
    left, top = (width - 1) // 2, (height - 1) // 2
    return nn.Sequential(nn.ZeroPad2d((left, width // 2, top, height // 2)), conv)


def _conv(layer: Layer, in_shape: Shape) -> nn.Module:
    out, bias = out_channels(layer, in_shape[0]), bool(layer.argument("bias", True))
    return _convolution(layer, in_shape[0], out, layer.groups, bias)


def _depthwise(layer: Layer, in_shape: Shape) -> nn.Module:
    channels, bias = in_shape[0], bool(layer.argument("bias", True))
    return _convolution(layer, channels, channels, channels, bias)


class InvertedBottleneck(nn.Module):
    """MobileNet v2's block; see `nas.core.ops.InvertedBottleneck`."""

    def __init__(self, layer: Layer, in_shape: Shape) -> None:
        super().__init__()
        channels, out = in_shape[0], out_channels(layer, in_shape[0])
        expand = int(layer.argument("expand", 6))
        hidden = channels * expand
        parts: list[nn.Module] = []
        if expand != 1:
            parts += [nn.Conv2d(channels, hidden, 1, bias=False), *_norm_relu6(hidden)]
        parts += [_convolution(layer, hidden, hidden, hidden, bias=False), *_norm_relu6(hidden)]
        parts += [nn.Conv2d(hidden, out, 1, bias=False), nn.BatchNorm2d(out)]
        self.body = nn.Sequential(*parts)
        self.residual = (out, *spatial(layer, in_shape)) == in_shape

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) to those of the layer's output shape."""
        y: Tensor = self.body(x)
        return x + y if self.residual else y


def _norm_relu6(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU6(inplace=True)


class MaxPool(nn.Module):
    """Max pooling of any window and stride.

    The map is padded with -inf first: in channels_last on a CPU that takes half the time of torch's
    own padding, which is symmetric and would have to be cut for even windows.
    """

    def __init__(self, layer: Layer, in_shape: Shape) -> None:
        super().__init__()
        self.window, self.stride = layer.kernel[::-1], layer.stride
        self.padding = _pool_padding(layer, in_shape)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) to those of the layer's output shape."""
        if any(self.padding):
            x = F.pad(x, self.padding, value=-torch.inf)
        return F.max_pool2d(x, self.window, self.stride)


class AvgPool(nn.Module):
    """Average pooling of any window and stride; the padding does not count.

    Averages over a map padded with zeros are put right by a factor for each place: that takes a
    third of the time of torch's `count_include_pad=False`, forward and backward.
    """

    factor: Tensor

    def __init__(self, layer: Layer, in_shape: Shape) -> None:
        super().__init__()
        self.window, self.stride = layer.kernel[::-1], layer.stride
        self.padding = _pool_padding(layer, in_shape)
        inside = F.pad(torch.ones(1, 1, *in_shape[1:]), self.padding)
        share = F.avg_pool2d(inside, self.window, self.stride)
        self.register_buffer("factor", 1 / share, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) to those of the layer's output shape."""
        if not any(self.padding):
            return F.avg_pool2d(x, self.window, self.stride)
        return F.avg_pool2d(F.pad(x, self.padding), self.window, self.stride) * self.factor


def _pool_padding(layer: Layer, in_shape: Shape) -> tuple[int, int, int, int]:
    """Left, right, top, bottom; right and bottom only as far as a window reaches."""
    if layer.argument("padding") == "valid":
        return 0, 0, 0, 0
    before = [(window - 1) // 2 for window in layer.kernel]
    behind = [
        max(0, (out - 1) * layer.stride + window - size - left)
        for out, window, size, left in zip(
            spatial(layer, in_shape)[::-1], layer.kernel, in_shape[:0:-1], before, strict=True
        )
    ]
    return before[0], behind[0], before[1], behind[1]


class GlobalPool(nn.Module):
    """The average over the map."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) to (n, channels, 1, 1)."""
        return x.mean((2, 3), keepdim=True)


class Dense(nn.Linear):
    """A linear layer over the flattened map."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) to (n, width, 1, 1)."""
        return super().forward(x.flatten(1))[:, :, None, None]


class Zero(nn.Module):
    """Cuts a path: zeros of the input's shape, through which no gradient flows."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, channels, height, width) to zeros of the same shape."""
        return torch.zeros_like(x)


def _dense(layer: Layer, in_shape: Shape) -> nn.Module:
    channels, height, width = in_shape
    return Dense(channels * height * width, out_channels(layer, channels))


# "add" and "concat" say how several inputs are merged, which the network does; then they pass on.
_BUILDERS: Mapping[str, Callable[[Layer, Shape], nn.Module]] = {
    "conv": _conv,
    "max_pool": MaxPool,
    "avg_pool": AvgPool,
    "relu": lambda layer, in_shape: nn.ReLU(),
    "sigmoid": lambda layer, in_shape: nn.Sigmoid(),
    "tanh": lambda layer, in_shape: nn.Tanh(),
    "batch_norm": lambda layer, in_shape: nn.BatchNorm2d(in_shape[0]),
    "dense": _dense,
    "dropout": lambda layer, in_shape: nn.Dropout(float(layer.argument("p", 0.5))),
    "global_pool": lambda layer, in_shape: GlobalPool(),
    "identity": lambda layer, in_shape: nn.Identity(),
    "zero": lambda layer, in_shape: Zero(),
    "add": lambda layer, in_shape: nn.Identity(),
    "concat": lambda layer, in_shape: nn.Identity(),
    "depthwise": _depthwise,
    "inverted_bottleneck": InvertedBottleneck,
}
