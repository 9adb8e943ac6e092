"""Networks brought to a size: within the limits, and as near to them as whole channels allow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas import Architecture, Input, Layer, Skeleton
from nas.core.choices import Draw
from nas.core.errors import InvalidOption
from nas.core.limits import Limits
from nas.core.scaling import channel_numbers, scale_to, with_channels
from search_spaces import BlockSpace, light_skeleton, paper_skeleton, vgg13_bn, vgg_skeleton

IMAGENET = Input(3, 224, 224, 1000)
CIFAR = Input(3, 32, 32, 10)
PAPER = 35_000_000
FEW = settings(max_examples=15)  # each of them places some forty networks


def block_network(seed, skeleton, size):
    return BlockSpace().generate(Draw(np.random.default_rng(seed))).on(skeleton, size)


def at(architecture, multiplier):
    """The network whose channels are multiplied, without what is spent on one channel more."""
    numbers = channel_numbers(architecture)
    return with_channels(architecture, {n: max(1, int(n * multiplier + 0.5)) for n in numbers})


@FEW
@given(st.integers(0, 10**6), st.sampled_from([vgg_skeleton, light_skeleton]))
def test_any_block_comes_to_the_papers_size_within_a_percent(seed, skeleton):
    scaled = scale_to(block_network(seed, skeleton(), IMAGENET), Limits(max_params=PAPER))
    assert 0.99 * PAPER <= scaled.architecture.params <= PAPER


@FEW
@given(
    st.integers(0, 10**6),
    st.integers(20_000, 2_000_000),
    st.one_of(st.none(), st.integers(5_000_000, 50_000_000)),
)
def test_no_limit_is_passed_and_no_channel_is_left_over(seed, max_params, max_macs):
    limits = Limits(max_params, max_macs)
    network = block_network(seed, vgg_skeleton(), CIFAR)
    scaled = scale_to(network, limits)
    assert limits.allow(scaled.architecture)
    # The multiplier is the largest of its neighbourhood: a hundredth of a channel more is too much.
    assert not limits.allow(at(network, scaled.multiplier + 0.01 / max(network.skeleton.widths)))
    found, rounded = (
        dict(zip(network.skeleton.widths, each.skeleton.widths, strict=True))
        for each in (scaled.architecture, at(network, scaled.multiplier))
    )
    for number, channels in found.items():
        assert channels - rounded[number] in (0, 1, 2)
        if channels == rounded[number]:
            wider = with_channels(network, found | {number: channels + 1})
            assert not limits.allow(wider) or wider.params <= scaled.architecture.params


@FEW
@given(st.integers(0, 10**6), st.integers(50_000, 5_000_000), st.integers(1, 5_000_000))
def test_a_higher_limit_gives_no_smaller_multiplier(seed, bound, more):
    # Without a 1x1 adapter that comes and goes with the parity of the widths, costs only grow.
    block = (Layer("conv", (3, 3)), Layer("relu"), Layer("conv", (1 + seed % 3, 3), ratio=2.0))
    network = Architecture((block,), light_skeleton(), CIFAR)
    small, large = (scale_to(network, Limits(max_params=b)) for b in (bound, bound + more))
    assert small.multiplier <= large.multiplier
    assert small.architecture.params <= large.architecture.params


def test_the_binding_one_of_two_limits_counts():
    network = block_network(3, vgg_skeleton(), CIFAR)
    both = scale_to(network, Limits(max_params=10**9, max_macs=10_000_000)).architecture
    assert both == scale_to(network, Limits(max_macs=10_000_000)).architecture
    assert 0.95 * 10_000_000 < both.macs <= 10_000_000


def test_without_limits_the_network_stays_as_it_is():
    network = block_network(3, vgg_skeleton(), CIFAR)
    scaled = scale_to(network, Limits())
    assert (scaled.architecture, scaled.multiplier) == (network, 1.0)


def test_equal_numbers_of_channels_stay_equal():
    scaled = scale_to(vgg13_bn(IMAGENET), Limits(max_macs=10**9)).architecture
    stem_to_head = [placed.layer.op for placed in scaled.layers()]
    # An adapter would stand where a stage's width and its block's differ.
    assert stem_to_head == [placed.layer.op for placed in vgg13_bn(IMAGENET).layers()]


def test_ratios_and_what_has_no_width_stay():
    block = (Layer("conv", (3, 3), ratio=0.5), Layer("conv", width=24), Layer("max_pool", (2, 2)))
    network = Architecture((block,), paper_skeleton(), CIFAR)
    wider = with_channels(network, {16: 3, 24: 5, 32: 7, 64: 9})
    assert wider.blocks == ((block[0], Layer("conv", width=5), block[2]),)
    assert wider.skeleton.widths == (3, 7, 9)
    assert wider.skeleton.stem[0].width == 3
    assert wider.layers()[-1].out_shape == (10, 1, 1)


@pytest.mark.parametrize(
    ("limits", "part"),
    [
        (Limits(max_params=50), r"room for one channel.*but got max_params=50"),
        (Limits(max_macs=10), r"room for one channel.*but got max_macs=10"),
        (Limits(max_params=10**16), r"must bound the network, but 131,072 channels"),
    ],
)
def test_limits_that_no_width_meets_are_refused_in_one_line(limits, part):
    with pytest.raises(InvalidOption, match=part) as error:
        scale_to(block_network(0, vgg_skeleton(), CIFAR), limits)
    assert "\n" not in str(error.value)


def test_a_skeleton_without_widths_has_only_those_of_its_layers():
    plain = Architecture(
        ((Layer("conv", width=8), Layer("dense", width=10)),), Skeleton.plain(), CIFAR
    )
    assert channel_numbers(plain) == {8, 10}
