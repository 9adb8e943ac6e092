"""The commands of pages that need a database, or hours: their options are at least accepted."""

import json
import re
import shlex
from pathlib import Path

import pytest

from experiments.cli import VERBS, parser_of, split_verb

DOCS = Path(__file__).parents[1] / "docs"
LINES = [
    (page, line)
    for page in ("scale.md", "search.md", "results.md", "report.md", "transfer.md")
    for line in re.findall(r"^(?:srun .*)?(nas .*)$", (DOCS / page).read_text(), re.MULTILINE)
    if "PATH_OF" not in line
]


def words_of(line):
    return shlex.split(
        line.replace("experiments/configs", str(DOCS.parent / "experiments/configs"))
    )


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_command_is_accepted(page, line):
    verb, words = split_verb(words_of(line)[1:])
    assert parser_of(verb, VERBS[verb]).parse_args(words)


def test_the_jobs_command_is_accepted():
    (args,) = re.findall(r"args: \[(.*)\]", (DOCS / "scale.md").read_text())
    nas, *words = [json.loads(each) if each[0] == '"' else each for each in args.split(", ")]
    verb, rest = split_verb(words)
    assert nas == "nas"
    assert parser_of(verb, VERBS[verb]).parse_args(rest)


def test_each_page_has_commands():
    assert {page for page, _ in LINES} == {
        "scale.md",
        "search.md",
        "results.md",
        "report.md",
        "transfer.md",
    }
