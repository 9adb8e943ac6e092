"""Unified Layer Code (paper, Table 1)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.core.architecture import Architecture, Input, Layer, Skeleton
from nas.core.ops import OPS
from nas.testing.toy import toy_architectures
from search_spaces import BlockSpace
from surrogates.peephole.code import OWN_OP, RATIOS, TYPES, encode, layer_code, ratio_bin


@pytest.mark.parametrize(
    ("op", "code"),
    [
        ("conv", 1),
        ("max_pool", 2),
        ("avg_pool", 3),
        ("relu", 4),
        ("sigmoid", 5),
        ("tanh", 6),
        ("batch_norm", 7),
    ],
)
def test_the_papers_types_keep_their_numbers(op, code):
    assert layer_code(op, (1, 1), 8, 8) == (code, 1, 1, 1 + RATIOS.index(1.0))


def test_every_op_has_a_number_and_users_ops_share_one():
    assert len({TYPES[op] for op in OPS}) == len(OPS) == max(TYPES.values()) < OWN_OP
    assert layer_code("somewhere.Own", (1, 1), 8, 8)[0] == OWN_OP


def test_kernels_are_width_and_height():
    assert layer_code("conv", (2, 5), 8, 8)[1:3] == (2, 5)
    assert layer_code("conv", (99, 1), 8, 8)[1:3] == (15, 1)


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_ratio_of_the_table_is_its_own_bin(ratio):
    assert RATIOS[ratio_bin(ratio) - 1] == ratio


@given(st.floats(1e-3, 1e3))
def test_a_ratio_goes_to_the_nearest_bin_in_log_space(ratio):
    chosen = abs(math.log(RATIOS[ratio_bin(ratio) - 1] / ratio))
    assert chosen <= min(abs(math.log(each / ratio)) for each in RATIOS) + 1e-9


def test_ties_go_to_the_smaller_bin():
    assert RATIOS[ratio_bin(math.sqrt(0.5 * 0.25)) - 1] == 0.25
    assert RATIOS[ratio_bin(math.nextafter(math.sqrt(0.5 * 0.25), 1)) - 1] == 0.5


def test_ratios_are_those_of_the_real_channels():
    absolute = layer_code("conv", (3, 3), 16, 24)
    assert RATIOS[absolute[3] - 1] == 1.5
    assert layer_code("dense", (1, 1), 64, 10)[3] == ratio_bin(1.0)


def plain(*layers):
    return Architecture((layers,), Skeleton.plain(), Input(4, 8, 8, 10))


def test_a_sequence_reads_from_input_to_output():
    network = plain(Layer("conv", (3, 1), ratio=2), Layer("relu"), Layer("global_pool"))
    coded = encode([network])
    assert coded.table[coded.layers[0]].tolist() == [
        [1, 3, 1, ratio_bin(2)],
        [4, 1, 1, 4],
        [TYPES["global_pool"], 1, 1, 4],
    ]


def test_the_extended_code_adds_width_and_resolution():
    network = plain(Layer("conv", (3, 3), width=32, stride=2))
    assert encode([network], extended=True).table.tolist() == [[1, 3, 3, 8, 5.0, 2.0]]


def test_stride_is_not_in_the_papers_code():
    networks = [plain(Layer("conv", (3, 3), width=8, stride=stride)) for stride in (1, 2)]
    assert len(encode(networks)) == 1
    assert len(encode(networks, extended=True)) == 2


def test_whole_networks_or_their_blocks():
    networks = toy_architectures(5)
    whole, blocks = encode(networks), encode(networks, "block")
    for number, network in enumerate(networks):
        assert len(whole.layers[whole.networks[number]]) == len(network.layers())
        assert len(blocks.layers[blocks.networks[number]]) == len(network.blocks[0])


def test_designs_of_all_stages_follow_each_other():
    from nas.core.choices import Draw

    network = BlockSpace(designs="per_stage").generate(Draw(np.random.default_rng(0)))
    coded = encode([network], "block")
    assert len(coded.layers[0]) == sum(map(len, network.blocks))


def test_equal_sequences_are_stored_once():
    networks = toy_architectures(4)
    coded = encode([*networks, *networks])
    assert coded.networks[:4].tolist() == coded.networks[4:].tolist()
    assert len(coded) <= 4


def test_nothing_gives_nothing():
    coded = encode([])
    assert (len(coded), coded.table.shape, coded.networks.shape) == (0, (0, 4), (0,))
