"""The page about surrogates of one's own: its class runs everywhere that it says."""

import ast
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from nas.testing import toy_corpus
from tests.suites import passed

PAGE = Path(__file__).parents[1] / "docs" / "your-own-surrogate.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
MODULE, NETWORK, _, SUITE = (text for language, text in BLOCKS if language == "python")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the page's module and a corpus, which is worked in."""
    (tmp_path / "my_surrogate.py").write_text(MODULE)
    toy_corpus(60).write(tmp_path / "runs/demo/corpus.jsonl.gz")
    monkeypatch.chdir(tmp_path)
    exec(NETWORK, {})
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield tmp_path
    sys.modules.pop("my_surrogate", None)


def test_the_class_has_at_most_15_lines():
    (found,) = (node for node in ast.parse(MODULE).body if isinstance(node, ast.ClassDef))
    assert found.end_lineno - found.lineno + 1 <= 15


@pytest.mark.slow
def test_the_suite_passes(here):
    assert passed(here, SUITE) > 20


def commands():
    """The words behind `nas` of the page's commands."""
    lines = [block for language, block in BLOCKS if language == "bash"]
    text = "".join(lines).replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("nas ")]


def test_the_commands_run(here, capsys):
    from experiments.cli import main

    assert [command[0] for command in commands()] == ["compare", "fit", "fit", "predict"]
    for command in commands():
        alone = ["--workers", "1"] if command[0] == "compare" else []
        assert main([*command, *alone]) == 0, capsys.readouterr().err
    rows = json.loads((here / "runs/mine/compare.json").read_text())["rows"]
    taus = {row["surrogate"]: row["kendall_tau"] for row in rows}
    assert taus["Mine"] > taus["Constant"] + 0.2


def test_an_untrusted_one_is_refused_in_one_line(here, capsys):
    from experiments.cli import main

    assert main(commands()[1]) == 0
    capsys.readouterr()
    assert main(["predict", "--surrogate", "runs/fitted", "--architecture", "network.json"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "--trust '[my_surrogate]'" in line


def test_the_settings_file_is_accepted(here):
    from experiments.cli import main

    (text,) = (block for language, block in BLOCKS if language == "yaml")
    (here / "settings.yaml").write_text(
        f"corpus: runs/demo/corpus.jsonl.gz\ntrain_size: 20\nrepeats: 1\n{text}"
    )
    words = ["compare", "--config", "settings.yaml", "--workers", "1", "--out", "runs/configured"]
    assert main(words) == 0
    rows = json.loads((here / "runs/configured/compare.json").read_text())["rows"]
    assert {row["surrogate"] for row in rows} == {"Constant", "Mine(penalty=0.1)"}


def test_the_lines_for_a_search_are_accepted(here):
    from experiments.cli import VERBS, parser_of

    lines = re.findall(r"^nas search (.*)$", PAGE.read_text(), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        assert parser_of("search", VERBS["search"]).parse_args(shlex.split(line))
