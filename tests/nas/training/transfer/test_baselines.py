"""torchvision's classifiers: what they cost, and images that they are not made for."""

from functools import partial

import pytest
import torch

from nas import Input
from nas.core.errors import InvalidOption
from nas.training.transfer.baselines import Cost, cost_of, torchvision_network
from search_spaces import vgg13_bn

IMAGENET = Input(3, 224, 224, 1000)


def cost(name, size=IMAGENET):
    return cost_of(partial(torchvision_network, name, size), name, size)


def test_vgg13_costs_what_the_paper_says():
    assert cost("vgg13_bn") == Cost(133_053_736, 11_308_466_176)
    assert cost("vgg13_bn") == Cost(vgg13_bn(IMAGENET).params, vgg13_bn(IMAGENET).macs)


def test_the_classes_are_those_of_the_data():
    network = torchvision_network("squeezenet1_1", Input(3, 32, 32, 7)).eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "size", "part"),
    [
        ("vgg13bn", IMAGENET, r"such as vgg13_bn or resnet50, or scaled_vgg13_bn, but got 'vgg13"),
        ("fcn_resnet50", IMAGENET, "a baseline must be a classifier of torchvision"),
        ("resnet18", Input(1, 8, 8, 10), "images of 3 channels, but the data set's have 1"),
        ("alexnet", Input(3, 32, 32, 10), "alexnet must take images of 32x32, but: .*--resolution"),
        ("vit_b_16", Input(3, 30, 30, 10), "vit_b_16 must take images of 30x30, but:"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(name, size, part):
    with pytest.raises(InvalidOption, match=part) as error:
        cost(name, size)
    assert "\n" not in str(error.value)


FAMILIES = [
    *("convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "maxvit_t"),
    *("mnasnet0_5", "mobilenet_v3_small", "regnet_x_400mf", "resnet18", "shufflenet_v2_x0_5"),
    *("squeezenet1_0", "swin_t", "vgg11_bn", "vit_b_32"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_gives_logits_alone(name):
    assert cost(name).macs > 10**7
    network = torchvision_network(name, IMAGENET).to("meta").train()
    assert network(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)
