import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas import Architecture, Input, Layer, Skeleton
from nas.core.choices import Draw
from nas.core.errors import InvalidArchitecture
from nas.core.ops import Cost, Op, find_op
from search_spaces import BlockSpace, paper_skeleton

CIFAR = Input(3, 32, 32, 10)
PLAIN = Skeleton.plain()


def plain(*layers: Layer, size: Input = CIFAR) -> Architecture:
    return Architecture((layers,), PLAIN, size)


def test_a_layers_json_omits_defaults_and_comes_back():
    layer = Layer("conv", (3, 5), ratio=0.5, args={"bias": False}, inputs=(-1, -2))
    assert layer.to_json() == {
        "op": "conv",
        "kernel": [3, 5],
        "ratio": 0.5,
        "args": {"bias": False},
        "inputs": [-1, -2],
    }
    assert Layer.from_json(json.loads(json.dumps(layer.to_json()))) == layer
    assert Layer("relu").to_json() == {"op": "relu"}


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ({"kernel": [3, 3]}, "must be an object with op"),
        ({"op": "relu", "size": 3}, "must be an object with op"),
        ({"op": "conv", "kernel": [0, 3]}, "whole numbers >= 1"),
        ({"op": "conv", "kernel": [1.5, 3]}, "whole numbers >= 1"),
        ({"op": "conv", "ratio": 0}, "above 0"),
        ({"op": "relu", "inputs": [1]}, "offsets of -1 or less"),
        ({"op": "relu", "kernel": 3}, "cannot be read"),
    ],
)
def test_a_bad_layer_is_told_in_one_line(data, part):
    with pytest.raises(InvalidArchitecture, match=part) as caught:
        Layer.from_json(data)
    assert "\n" not in str(caught.value)


def test_costs_of_single_layers():
    conv = plain(Layer("conv", (3, 5), width=8, stride=2)).layers()[0]
    assert conv.out_shape == (8, 16, 16)
    assert conv.params == 3 * 8 * 15 + 8
    assert conv.macs == 3 * 8 * 15 * 16 * 16
    dense = plain(Layer("dense", width=10)).layers()[0]
    assert (dense.out_shape, dense.params, dense.macs) == ((10, 1, 1), 30730, 30720)
    depthwise = plain(Layer("depthwise", (3, 3), args={"bias": False})).layers()[0]
    assert (depthwise.params, depthwise.macs) == (27, 27 * 1024)
    valid = plain(Layer("max_pool", (2, 2), stride=2, args={"padding": "valid"})).layers()[0]
    assert valid.out_shape == (3, 16, 16)


def test_the_smallest_ratio_keeps_one_channel():
    assert plain(Layer("conv", ratio=0.25)).layers()[0].out_shape == (1, 32, 32)


def test_a_block_is_a_graph():
    network = plain(
        Layer("conv", width=4),
        Layer("conv", (3, 3)),
        Layer("add", inputs=(-1, -2)),
        Layer("concat", inputs=(-1, -3)),
    )
    assert [placed.out_shape[0] for placed in network.layers()] == [4, 4, 4, 8]


@pytest.mark.parametrize(
    ("layers", "part"),
    [
        ((Layer("conv", width=4), Layer("add", inputs=(-1, -2))), "one shape"),
        ((Layer("relu", inputs=(-2,)),), "inside its block"),
        ((Layer("nonsense"),), "must be one of"),
        ((Layer("no.such.op"),), "cannot be imported"),
        ((Layer("json.JSONDecoder"),), "subclass of nas.core.ops.Op"),
        ((Layer("conv", width=4, groups=3), Layer("conv", width=4, groups=3)), "must divide"),
        ((Layer("dense"),), "must have a width"),
        ((Layer("conv", (40, 40), args={"padding": "valid"}),), "must fit into its map"),
    ],
)
def test_layers_that_cannot_be_placed(layers, part):
    with pytest.raises(InvalidArchitecture, match=part):
        plain(*layers).layers()


class Scale(Op):
    def place(self, layer, in_shape):
        return Cost(in_shape, params=in_shape[0])


def test_a_users_op_is_found_by_its_dotted_path(monkeypatch):
    import sys
    import types

    module = types.ModuleType("my_ops")
    module.Scale = Scale
    monkeypatch.setitem(sys.modules, "my_ops", module)
    find_op.cache_clear()
    assert plain(Layer("my_ops.Scale")).params == 3
    with pytest.raises(InvalidArchitecture, match="must define build"):
        find_op("my_ops.Scale").build(Layer("my_ops.Scale"), (3, 8, 8))


def test_blocks_are_placed_once_for_all_for_each_stage_or_for_each_place():
    designs = [(Layer("conv", (k, k)),) for k in (1, 2, 3, 4, 5, 1)]
    skeleton = paper_skeleton()

    def kernels(*blocks):
        network = Architecture(blocks, skeleton, CIFAR)
        bare = [p.layer for p in network.layers() if p.layer.op == "conv" and not p.layer.width]
        return [layer.kernel[0] for layer in bare]

    assert kernels(designs[1]) == [2] * 6
    assert kernels(*designs[:3]) == [1, 1, 2, 2, 3, 3]
    assert kernels(*designs) == [1, 2, 3, 4, 5, 1]
    with pytest.raises(InvalidArchitecture, match=r"\[1, 3, 6\]"):
        Architecture(tuple(designs[:2]), skeleton, CIFAR)


@pytest.mark.parametrize(
    ("size", "maps"),
    [
        (Input(1, 8, 8, 10), [8, 4]),
        (Input(1, 28, 28, 10), [28, 14, 7]),
        (CIFAR, [32, 16, 8]),
    ],
)
def test_the_papers_skeleton_reduces_while_the_map_is_larger_than_7(size, maps):
    network = Architecture(((Layer("conv"),),), paper_skeleton(), size)
    seen = [placed.out_shape[1] for placed in network.layers()]
    assert sorted(set(seen) - {1}, reverse=True) == maps
    assert seen[-2:] == [1, 1]
    assert network.layers()[-1].out_shape == (size.classes, 1, 1)


def test_a_one_by_one_convolution_adapts_the_channels_only_where_they_differ():
    network = Architecture(((Layer("conv", ratio=2.0),),), paper_skeleton(), CIFAR)
    adapters = [p for p in network.layers() if p.layer == Layer("conv", width=p.out_shape[0])]
    # 16 -> 32 -> 16 twice; 16 -> 32 fits; 32 -> 64 -> 32; 32 -> 64 fits; 64 -> 128 -> 64.
    assert [p.in_shape[0] for p in adapters] == [32, 32, 64, 128]


def test_keys_tell_different_networks_apart_and_do_not_depend_on_the_writing():
    first = plain(Layer("conv", [3, 3], ratio=1.0, args={"bias": False, "a": 1}))
    second = plain(Layer("conv", (3, 3), ratio=1.0, args={"a": 1, "bias": False}))
    assert first.key == second.key
    assert len({first.key, first.on(paper_skeleton()).key, plain(Layer("conv")).key}) == 3


def test_golden_costs():
    """Found by hand: the stem, six 3x3 blocks with ReLU, the head (paper, Fig. 4)."""
    network = Architecture(
        ((Layer("conv", (3, 3), ratio=1.0), Layer("relu")),), paper_skeleton(), CIFAR
    )
    conv3 = sum(n * (c * c * 9 + c) for c, n in ((16, 2), (32, 2), (64, 2)))
    conv3 += -(32 * 32 * 9 + 32) + (16 * 16 * 9 + 16) - (64 * 64 * 9 + 64) + (32 * 32 * 9 + 32)
    adapters = (16 * 32 + 32) + (32 * 64 + 64)
    stem, head = 3 * 16 * 9 + 16 + 32, 64 * 10 + 10
    assert network.params == conv3 + adapters + stem + head


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 8, 8), (1, 28, 28), (3, 32, 32)]))
def test_sampled_networks_come_back_from_json(seed, shape):
    space = BlockSpace().on(Input(*shape, 10))
    network = space.generate(Draw(np.random.default_rng(seed)))
    again = Architecture.from_json(json.loads(json.dumps(network.to_json())))
    assert again == network
    assert again.key == network.key
    assert 0 < len(network.layers()) <= 91


@pytest.mark.parametrize("cut", ["blocks", "skeleton", "input"])
def test_an_architecture_without_a_part_is_told(cut):
    data = plain(Layer("relu")).to_json()
    del data[cut]
    with pytest.raises(InvalidArchitecture, match="must have blocks, skeleton and input"):
        Architecture.from_json(data)
