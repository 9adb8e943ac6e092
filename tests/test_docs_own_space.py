"""The page about spaces and data of one's own: all of it runs."""

import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.cli import main
from nas import Corpus, Input
from nas.core.choices import Draw
from nas.networks import build
from nas.training.data import load_data
from tests.suites import passed

PAGE = Path(__file__).parents[1] / "docs" / "your-own-space.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
MODULE, DATA, SUITE = (text for language, text in BLOCKS if language == "python")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the page's module and its images, which is worked in."""
    (tmp_path / "my_space.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    exec(DATA, {})
    yield tmp_path
    sys.modules.pop("my_space", None)


@pytest.mark.slow
def test_the_suite_passes(here):
    assert passed(here, SUITE) > 8


def test_the_skip_leads_around_the_block_and_the_images_load(here):
    from my_space import Separable

    rng = np.random.default_rng(0)
    made = [Separable().on(Input(3, 12, 12, 4)).generate(Draw(rng)) for _ in range(20)]
    skipped = [network.blocks[0] for network in made if network.blocks[0][-1].op == "add"]
    assert 0 < len(skipped) < len(made)
    assert all(len(block) - 1 + min(block[-1].inputs) == 0 for block in skipped)
    assert load_data("npz:lines.npz").input == Input(3, 12, 12, 4)
    for network in made:
        assert sum(p.numel() for p in build(network).parameters()) == network.params


@pytest.mark.slow
def test_the_commands_run(here, capsys):
    lines = "".join(text for language, text in BLOCKS if language == "bash").splitlines()
    commands = [shlex.split(line)[1:] for line in lines]
    assert [command[0] for command in commands] == [
        "collect",
        "fit",
        "propose",
        "report",
        "collect",
    ]
    for command in commands:
        assert main(command) == 0, capsys.readouterr().err
    assert len(Corpus.read("runs/separable/corpus.jsonl.gz").finished) == 6
    assert Path("runs/separable/report.html").is_file()
    assert Corpus.read("runs/lines/corpus.jsonl.gz").header.input == Input(3, 12, 12, 4)
