"""VGG-13-BN against torchvision's, and the skeletons after its pattern."""

import pytest
import torch
from torchvision.models import vgg13_bn as torchvisions

from nas import Architecture, Input, Layer
from nas.networks import build
from search_spaces import light_skeleton, vgg13_bn, vgg_skeleton

IMAGENET = Input(3, 224, 224, 1000)


def test_it_has_torchvisions_parameters():
    with torch.device("meta"):
        theirs = torchvisions()
    assert sum(each.numel() for each in theirs.parameters()) == 133_053_736
    assert vgg13_bn(IMAGENET).params == 133_053_736
    assert round(133_053_736 / 2**20, 1) == 126.9  # the paper's 126M


def test_its_layers_are_torchvisions():
    with torch.device("meta"):
        theirs, ours = torchvisions(), build(vgg13_bn(IMAGENET))
        assert ours(torch.empty(1, 3, 224, 224)).shape == (1, 1000)
    shapes = [[tuple(each.shape) for each in network.parameters()] for network in (ours, theirs)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("side", [16, 32, 64])
def test_it_takes_small_images(side):
    network = vgg13_bn(Input(3, side, side, 10))
    maps = [placed.out_shape[1] for placed in network.layers()]
    assert maps[0] == side and maps[-1] == 1
    assert network.params < 133_053_736


def stages(skeleton, side):
    """The map's side behind each stage's blocks."""
    block = (Layer("conv", (3, 3)), Layer("tanh"))
    placed = Architecture((block,), skeleton, Input(3, side, side, 10)).layers()
    sides = [each.out_shape[1] for each in placed if each.layer.op == "tanh"]
    return sides[::2]  # two blocks a stage


@pytest.mark.parametrize(
    ("skeleton", "side", "maps"),
    [
        (vgg_skeleton, 224, [224, 112, 56, 28, 14]),
        (light_skeleton, 224, [112, 56, 28, 14, 7]),
        (vgg_skeleton, 32, [32, 16, 8, 4, 4]),
        (light_skeleton, 32, [16, 8, 4, 4, 4]),
    ],
)
def test_skeletons_reduce_as_they_say(skeleton, side, maps):
    assert stages(skeleton(), side) == maps


def test_the_light_skeleton_takes_a_quarter_of_the_macs():
    block = ((Layer("conv", (3, 3)), Layer("relu")),)
    heavy, light = (
        Architecture(block, skeleton, IMAGENET) for skeleton in (vgg_skeleton(), light_skeleton())
    )
    assert heavy.params == light.params
    assert light.macs / heavy.macs == pytest.approx(0.25, abs=0.01)
