"""Every config parses under the verb that its first line names."""

from pathlib import Path

import pytest

from experiments.cli import VERBS, parser_of

CONFIGS = sorted(Path(__file__).parents[2].glob("experiments/configs/*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_parses(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# nas ")
    verb, _, options = first.removeprefix("# nas ").partition(" --config ")
    _, *more = options.split()
    parsed = parser_of(verb, VERBS[verb]).parse_args(["--config", str(path), *more])
    assert parsed.config


def test_there_are_configs():
    assert "peephole-strong" in {path.stem for path in CONFIGS}
