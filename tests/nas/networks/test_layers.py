"""Each op: the shape and cost rule of the core against the module, for any window and stride."""

import sys
import types

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nas.core.architecture import Layer
from nas.core.errors import InvalidArchitecture
from nas.core.ops import OPS, Cost, Op, find_op
from nas.networks.layers import build_layer

WINDOWED = ("conv", "depthwise", "inverted_bottleneck", "max_pool", "avg_pool")
LAYERS = {
    "conv": Layer("conv", (2, 3), ratio=1.5, groups=2, args={"bias": False}),
    "max_pool": Layer("max_pool", (2, 3)),
    "avg_pool": Layer("avg_pool", (3, 2), stride=2),
    "dense": Layer("dense", width=7),
    "dropout": Layer("dropout", args={"p": 0.25}),
    "depthwise": Layer("depthwise", (3, 3), stride=2, args={"bias": False}),
    "inverted_bottleneck": Layer("inverted_bottleneck", (5, 5), width=8, args={"expand": 3}),
}
sides = st.integers(1, 9)


def run(layer, in_shape, seed=0):
    torch.manual_seed(seed)
    module = build_layer(layer, in_shape).eval()
    images = torch.randn(2, *in_shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        out = module(images)
    return module, images, out, counter.get_total_flops()


def check(layer, in_shape):
    module, _, out, flops = run(layer, in_shape)
    cost = find_op(layer.op).place(layer, in_shape)
    assert tuple(out.shape) == (2, *cost.out_shape)
    assert sum(parameter.numel() for parameter in module.parameters()) == cost.params
    assert flops == 2 * 2 * cost.macs


@pytest.mark.parametrize("op", OPS)
def test_every_op_costs_what_is_computed(op):
    check(LAYERS.get(op, Layer(op)), (8, 6, 5))


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(WINDOWED),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.integers(1, 4),
    st.booleans(),
    st.tuples(st.integers(1, 3), sides, sides),
)
def test_windows_of_any_size_follow_the_shape_rule(op, kernel, stride, valid, in_shape):
    layer = Layer(op, kernel, stride=stride, args={"padding": "valid"} if valid else {})
    if valid and (kernel[0] > in_shape[2] or kernel[1] > in_shape[1]):
        with pytest.raises(InvalidArchitecture, match="must fit into its map"):
            find_op(op).place(layer, in_shape)
    else:
        check(layer, in_shape)


def pooled(op, window, images):
    """Pooling by the definition: windows cut at the border, from (k - 1) // 2 before the place."""
    (width, height), out = window, torch.empty_like(images)
    for row in range(images.shape[2]):
        for column in range(images.shape[3]):
            top, left = row - (height - 1) // 2, column - (width - 1) // 2
            seen = images[:, :, max(top, 0) : top + height, max(left, 0) : left + width]
            out[:, :, row, column] = seen.amax((2, 3)) if op == "max_pool" else seen.mean((2, 3))
    return out


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(["max_pool", "avg_pool"]),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.integers(1, 4),
    sides,
    sides,
)
def test_pools_see_their_windows(op, kernel, stride, height, width):
    _, images, out, _ = run(Layer(op, kernel, stride=stride), (2, height, width))
    expected = pooled(op, kernel, images)[:, :, ::stride, ::stride]
    torch.testing.assert_close(out, expected)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(deadline=None, max_examples=100)
@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(1, 4), sides, sides, st.booleans()
)
def test_convolutions_are_padded_as_torch_pads_with_same(kernel, stride, height, width, depthwise):
    layer = Layer("depthwise" if depthwise else "conv", kernel, stride=stride)
    module, images, out, _ = run(layer, (2, height, width))
    weight, bias = dict(module.named_parameters()).values()
    groups = 2 if depthwise else 1
    expected = F.conv2d(images, weight, bias, padding="same", groups=groups)
    torch.testing.assert_close(out, expected[:, :, ::stride, ::stride])


def test_kernels_are_width_by_height():
    assert build_layer(Layer("conv", (5, 3)), (1, 8, 8)).kernel_size == (3, 5)


def test_valid_padding_is_that_of_torch():
    valid = {"padding": "valid"}
    _, images, out, _ = run(Layer("avg_pool", (2, 3), stride=2, args=valid), (3, 8, 7))
    torch.testing.assert_close(out, F.avg_pool2d(images, (3, 2), 2))
    _, images, out, _ = run(Layer("max_pool", (2, 3), args=valid), (3, 8, 7))
    torch.testing.assert_close(out, F.max_pool2d(images, (3, 2), 1))


def test_dropout_takes_its_probability_from_args():
    assert build_layer(LAYERS["dropout"], (1, 1, 1)).p == 0.25
    assert build_layer(Layer("dropout"), (1, 1, 1)).p == 0.5


@pytest.mark.parametrize(
    ("layer", "residual"),
    [
        (Layer("inverted_bottleneck", (3, 3)), True),
        (Layer("inverted_bottleneck", (3, 3), args={"expand": 1}), True),
        (Layer("inverted_bottleneck", (3, 3), stride=2), False),
        (Layer("inverted_bottleneck", (3, 3), width=6), False),
        (Layer("inverted_bottleneck", (3, 3), args={"padding": "valid"}), False),
    ],
)
def test_inverted_bottleneck_adds_its_input_where_the_shape_is_kept(layer, residual):
    module, images, out, _ = run(layer, (4, 5, 5))
    body = module.body(images)
    torch.testing.assert_close(out, images + body if residual else body)


class Scale(Op):
    """The example of `Op`'s docstring."""

    def place(self, layer, in_shape):
        return Cost(in_shape, params=in_shape[0])

    def build(self, layer, in_shape):
        return PerChannelScale(in_shape[0])


class PerChannelScale(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x):
        return self.weight * x


class NoModule(Scale):
    def build(self, layer, in_shape):
        return "a module"


class NoBuild(Op):
    def place(self, layer, in_shape):
        return Cost(in_shape)


@pytest.fixture
def own_ops(monkeypatch):
    """Name of an importable module that holds the ops above."""
    module = types.ModuleType("own_ops_of_test_layers")
    module.Scale, module.NoModule, module.NoBuild = Scale, NoModule, NoBuild
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


def test_an_op_of_ones_own_is_built(own_ops):
    check(Layer(f"{own_ops}.Scale"), (3, 2, 2))


def test_an_op_of_ones_own_must_build_a_module(own_ops):
    with pytest.raises(
        InvalidArchitecture, match=r"must return a torch\.nn\.Module, but got a str"
    ):
        build_layer(Layer(f"{own_ops}.NoModule"), (3, 2, 2))
    with pytest.raises(InvalidArchitecture, match="must define build"):
        build_layer(Layer(f"{own_ops}.NoBuild"), (3, 2, 2))
