"""The page about the transfer: its example runs, and its figures are those of the code."""

import inspect
import re
from itertools import islice
from pathlib import Path

import pytest
import torch

from experiments.cli import VERBS, parser_of
from experiments.transferring.small import small
from nas import Architecture, Input, Layer
from nas.core.limits import Limits
from nas.core.scaling import scale_to
from nas.networks import save_network
from nas.studies.stream import stream
from search_spaces import BlockSpace, light_skeleton, vgg13_bn, vgg_skeleton
from tests.nas.networks.test_saved import ARCHITECTURE, IMAGES, classifier

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "transfer.md").read_text()
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


def test_the_search_costs_what_the_config_means():
    path = ROOT / "experiments" / "configs" / "cifar10.yaml"
    collect = parser_of("collect", VERBS["collect"])
    config = collect.parse_args([f"--config={path}", "--networks=800"])
    space, limits = BlockSpace().on(Input(3, 32, 32, 10)), Limits(max_macs=config.max_macs)
    networks = [each.architecture for each in islice(stream(space, 0, limits), 800)]
    mean = sum(each.macs for each in networks) / len(networks)
    assert "| 47M on average |" in PAGE and mean / 1e6 == pytest.approx(47, rel=0.02)
    epochs = config.recipe.epochs
    assert f"45,000 images\nin {epochs} epochs" in PAGE
    seconds = 800 * 6 * mean * 45_000 * epochs / (8 * 8e12)
    assert seconds / 3600 == pytest.approx(1.3, rel=0.05)
    told = [float(row.split("|")[-2]) for row in re.findall(r"^\|.*[\d.]+ \|$", PAGE, re.MULTILINE)]
    assert told[0] + told[2] + told[3] == pytest.approx(8.2) and "8.2 hours" in PAGE


def test_all_lines_of_the_papers_run_are_one_training():
    parser = parser_of("transfer", VERBS["transfer"])
    lines = re.findall(r"^(?:srun .*)?nas transfer (.*recipe.*)$", PAGE, re.MULTILINE)
    runs = [parser.parse_args(line.split()) for line in lines]
    assert len(runs) == 3 and [run.resume for run in runs] == [False, True, True]
    for name in ("recipe", "seed", "data", "surrogate", "max_params", "skeleton", "out", "loaders"):
        assert runs[0][name] == runs[1][name] == runs[2][name], name


def test_the_small_one_has_the_sizes_that_its_page_tells():
    options = inspect.signature(small).parameters
    assert options["seeds"].default == 3 and options["out"].default == Path("runs/small-transfer")
    assert "runs/small-transfer/small.md" in PAGE
