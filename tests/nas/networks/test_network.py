"""Chains and graphs: what is summed, concatenated, overwritten and forgotten."""

import sys
import types
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nas import Architecture, Input, Layer, Skeleton
from nas.core.ops import Concat
from nas.networks import build, initialise
from nas.networks.network import Chain, Graph

SIZE = Input(2, 5, 4, 3)
DENSE = Layer("dense", width=3)


def plain(*layers, size=SIZE):
    return Architecture((layers,), Skeleton.plain(), size)


def images(count=2, size=SIZE, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *size[:3], generator=generator)


def built(*layers):
    network = build(plain(*layers))
    initialise(network, 0)
    return network


def test_a_chain_runs_as_a_loop_and_gives_logits():
    network = built(Layer("conv", (3, 3), width=4), Layer("relu"), Layer("global_pool"), DENSE)
    assert isinstance(network, Chain)
    x = images()
    conv, _, _, dense = network
    expected = nn.functional.linear(conv(x).relu().mean((2, 3)), dense.weight, dense.bias)
    torch.testing.assert_close(network(x), expected)
    assert network(x).shape == (2, 3)


def test_a_network_may_end_on_a_map():
    assert built(Layer("global_pool"))(images()).shape == (2, 2)


def test_layers_behind_a_dense_layer_see_a_map_of_one_pixel():
    layers = (Layer("dense", width=8), Layer("batch_norm"), Layer("relu"), Layer("conv", width=3))
    assert built(*layers)(images()).shape == (2, 3)


def test_several_inputs_are_summed():
    network = built(
        Layer("sigmoid"),
        Layer("tanh", inputs=(-2,)),
        Layer("add", inputs=(-1, -2, -3)),
        Layer("max_pool", (2, 2), inputs=(-1, -4)),
    )
    x = images()
    total = x.tanh() + x.sigmoid() + x
    pooled = network.layers[3](total + x)
    torch.testing.assert_close(network(x), pooled.flatten(1))


def test_concat_stacks_channels():
    network = built(Layer("sigmoid"), Layer("tanh", inputs=(-2,)), Layer("concat", inputs=(-1, -2)))
    x = images()
    torch.testing.assert_close(network(x), torch.cat([x.tanh(), x.sigmoid()], 1).flatten(1))


def test_zero_cuts_a_path():
    network = built(Layer("zero"), Layer("add", inputs=(-1, -2)))
    x = images()
    torch.testing.assert_close(network(x), x.flatten(1))


def test_an_own_concat_is_concatenated(monkeypatch):
    class Stack(Concat):
        def build(self, layer, in_shape):
            return nn.Identity()

    module = types.ModuleType("own_ops_of_test_network")
    module.Stack = Stack
    monkeypatch.setitem(sys.modules, module.__name__, module)
    network = built(Layer("sigmoid"), Layer(f"{module.__name__}.Stack", inputs=(-1, -2)))
    assert network(images()).shape == (2, 2 * 2 * 5 * 4)


def test_offsets_of_a_block_hold_behind_other_blocks():
    """The block reads its own input, in each of its three places in the network."""
    block = (Layer("conv", (3, 3)), Layer("relu"), Layer("add", inputs=(-1, -3)))
    skeleton = Skeleton(
        widths=(4, 8), blocks=(2, 1), stem=(Layer("conv", width=4),), head=(Layer("dense"),)
    )
    network = build(Architecture((block,), skeleton, SIZE))
    initialise(network, 0)
    x, layers = images(), network.layers
    y = layers[0](x)
    for first in (1, 4, 7):
        y = y + layers[first](y).relu()
    y = layers[11](layers[10](y))
    torch.testing.assert_close(network(x), y.flatten(1))


def test_a_published_cell_runs():
    """NAS-Bench-201's form: four nodes, each the sum of what comes from all before."""
    cell = (
        Layer("conv", (3, 3), inputs=(-1,)),  # 0 -> 1
        Layer("identity", inputs=(-2,)),  # 0 -> 2
        Layer("conv", (1, 1), inputs=(-2,)),  # 1 -> 2
        Layer("avg_pool", (3, 3), inputs=(-4,)),  # 0 -> 3
        Layer("zero", inputs=(-4,)),  # 1 -> 3
        Layer("conv", (3, 3), inputs=(-3, -4)),  # 2 -> 3
        Layer("add", inputs=(-1, -2, -3)),
        Layer("global_pool"),
        DENSE,
    )
    architecture = plain(*cell)
    network = build(architecture)
    assert sum(p.numel() for p in network.parameters()) == architecture.params
    assert network(images()).shape == (2, 3)


OPS = ("conv", "batch_norm", "relu", "sigmoid", "tanh", "identity", "add", "max_pool", "dropout")


@st.composite
def graphs(draw):
    """Blocks of width 2 whose layers read any of the values before them."""
    layers = []
    for index in range(draw(st.integers(1, 8))):
        inputs = draw(st.lists(st.integers(-index - 1, -1), min_size=1, max_size=3, unique=True))
        layers.append(Layer(draw(st.sampled_from(OPS)), inputs=tuple(inputs)))
    return (*layers, DENSE)


def reference(network, architecture, x):
    """Every value kept, nothing in place."""
    values = [x]
    modules = list(network.layers if isinstance(network, Graph) else network)
    for index, (placed, module) in enumerate(zip(architecture.layers(), modules, strict=True)):
        total = sum(values[index + 1 + offset] for offset in placed.layer.inputs)
        values.append(total.relu() if placed.layer.op == "relu" else module(total))
    return values[-1].flatten(1)


@settings(deadline=None, max_examples=150)
@given(graphs())
def test_graphs_compute_what_they_would_with_every_value_kept(layers):
    architecture = plain(*layers)
    network = build(architecture).eval()
    initialise(network, 0)
    x = images().requires_grad_()
    kept = x.detach().clone()
    wanted = [x, *network.parameters()]
    grads = torch.autograd.grad(network(x).square().sum(), wanted, allow_unused=True)
    torch.testing.assert_close(x, kept.requires_grad_())  # the images are not overwritten
    y = reference(network, architecture, x)
    torch.testing.assert_close(network(x), y)
    expected = torch.autograd.grad(y.square().sum(), wanted, allow_unused=True)
    for grad, other in zip(grads, expected, strict=True):
        assert (grad is None) == (other is None)
        torch.testing.assert_close(grad, other)


def in_place(*layers):
    modules = built(*layers).modules()
    return [module.inplace for module in modules if isinstance(module, nn.ReLU)]


def test_a_relu_overwrites_only_what_nobody_needs():
    conv, relu = Layer("conv"), Layer("relu")
    assert in_place(conv, relu) == [True]
    assert in_place(relu) == [False]  # the images
    assert in_place(Layer("sigmoid"), relu) == [False]  # kept for the backward pass
    assert in_place(conv, relu, Layer("add", inputs=(-1, -2))) == [False]
    assert in_place(conv, Layer("add", inputs=(-1, -2)), relu) == [False]


class Watched(nn.Module):
    """Passes on, remembers weakly what it gave, and counts what of that is alive."""

    def forward(self, x):
        self.alive.append(sum(ref() is not None for ref in self.given))
        y = x + 1
        self.given.append(weakref.ref(y))
        return y


@pytest.mark.parametrize("chain", [True, False])
def test_what_is_not_needed_later_is_forgotten(chain):
    layers = [Watched() for _ in range(6)]
    given, alive = [], []
    for layer in layers:
        layer.alive, layer.given = alive, given
    sources = [(index - 1,) for index in range(6)]
    if not chain:
        sources[3] = (2, 0)
    network = Chain(layers) if chain else Graph(layers, sources, [False] * 6)
    network(torch.zeros(1, 1))
    assert alive == ([0, 1, 1, 1, 1, 1] if chain else [0, 1, 2, 2, 1, 1])


@pytest.mark.parametrize("op", ["conv", "add"])
def test_networks_work_on_other_memory_formats(op):
    network = built(Layer("conv", (2, 2)), Layer(op, inputs=(-1, -2)), DENSE).eval()
    x = images()
    expected = network(x)
    network.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network(x.to(memory_format=torch.channels_last)), expected)
