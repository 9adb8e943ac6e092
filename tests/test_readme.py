"""Every command and example of the README runs, at small sizes."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from experiments.cli import main
from nas import Corpus
from tests.search_spaces.test_naap440 import write_table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
SMALL = {
    "collect": [
        *("--networks", "4", "--recipe.epochs", "1", "--workers", "1"),
        *("--max_macs", "300000", "--data", "digits"),
    ],
    "fit": ["--surrogate.epochs", "2"],
    "propose": ["--budget", "50"],
    "compare": ["--repeats", "1", "--workers", "1"],
    "transfer": [
        *("--data", "digits", "--epochs", "1", "--devices", "1", "--precision", "32"),
        *("--max_params", "30000", "--recipe.batch_size", "128", "--loaders", "0"),
        *("--baseline", "null", "--onnx", "false", "--budget", "50"),
    ],
}
"""Options that make a command small; put behind its own, so that they count."""
SMALL["search"] = [*SMALL["collect"], "--networks", "5", "--warmup", "4", "--proposer.budget", "40"]
IN_TABLE = ["--networks", "1", "--repeats", "1", "--workers", "1"]


def commands(text):
    """The `nas` command lines of a block, as lists of words."""
    joined = text.replace("\\\n", " ")
    return [
        shlex.split(line, comments=True)[1:]
        for line in joined.splitlines()
        if line.startswith("nas ")
    ]


@pytest.mark.slow
def test_the_readmes_commands_and_its_example_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    upstream = tmp_path / "PATH_OF_NAAP-440"
    upstream.mkdir()
    write_table(upstream, rows=12)
    told = [words for language, text in BLOCKS if not language for words in commands(text)]
    assert {words[0] for words in told} >= {
        "collect",
        "fit",
        "propose",
        "report",
        "corpus",
        "compare",
        "search",
        "transfer",
    }
    for words in told:
        small = IN_TABLE if "--table" in words else SMALL.get(words[0], [])
        assert main([*words, *small]) == 0, words
        if words[-1] == "runs/small":  # what the next ones train: they have to go on from there
            shutil.copytree("runs/small", "runs/mine")
            shutil.copytree("runs/small", "runs/search")
    assert len(Corpus.read("runs/mine/corpus.jsonl.gz")) == 4
    (tmp_path / "runs" / "mine").rename(tmp_path / "runs" / "demo")
    (example,) = (text for language, text in BLOCKS if language == "python")
    names = {}
    exec(example.replace("Peephole()", "Peephole(epochs=2)"), names)
    assert len(names["accuracies"]) == 1


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(page):
    text = (ROOT / page).read_text()
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    assert targets
    for target in targets:
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
