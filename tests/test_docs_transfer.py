"""The page about the transfer: its example runs, and its figures are those of the code."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from experiments.transferring.small import small
from nas import Architecture, Input, Layer
from nas.core.limits import Limits
from nas.core.scaling import scale_to
from nas.networks import save_network
from search_spaces import light_skeleton, vgg13_bn, vgg_skeleton
from tests.nas.networks.test_saved import ARCHITECTURE, IMAGES, classifier

PAGE = (Path(__file__).parents[1] / "docs" / "transfer.md").read_text()
IMAGENET = Input(3, 224, 224, 1000)


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(classifier(), ARCHITECTURE, "runs/imagenet/network")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names = {"images": IMAGES}
    with torch.no_grad():
        exec(example, names)
    assert len(names["names"]) == 3 and set(names["names"]) <= set(classifier().classes)


def hours(macs):
    """By the page's own rule."""
    return 6 * macs * 1_281_167 * 90 / (8 * 80e12) / 3600


@pytest.mark.parametrize(
    ("name", "skeleton"), [("light", light_skeleton), ("vgg", vgg_skeleton), ("VGG-13-BN", None)]
)
def test_the_costs_are_those_of_the_networks(name, skeleton):
    block = (Layer("conv", (3, 3)), Layer("batch_norm"), Layer("relu"))
    network = vgg13_bn(IMAGENET)
    if skeleton:
        network = Architecture((block,), skeleton(), IMAGENET)
        network = scale_to(network, Limits(max_params=35_000_000)).architecture
    (row,) = re.findall(rf"^\| .*{name}`? \|(.*)\|$", PAGE, re.MULTILINE)
    params, macs, told = (float(re.sub(r"[^\d.]", "", cell)) for cell in row.split("|"))
    assert network.params / 1e6 == pytest.approx(params, rel=0.01)
    assert network.macs / 1e9 == pytest.approx(macs, rel=0.05)
    assert hours(network.macs) == pytest.approx(told, rel=0.05)


def test_the_small_one_has_the_sizes_that_its_page_tells():
    options = inspect.signature(small).parameters
    assert options["seeds"].default == 3 and options["out"].default == Path("runs/small-transfer")
    assert "runs/small-transfer/small.md" in PAGE
