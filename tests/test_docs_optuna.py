"""The page about Optuna: its blocks run, one after the other, in one study."""

import re
import warnings
from pathlib import Path

import optuna
import pytest

from nas import Corpus, Input
from nas.core.choices import Replay
from nas.training.recipe import Recipe

PAGE = (Path(__file__).parents[1] / "docs" / "optuna.md").read_text()
STUDY, STORAGE, TRAINED, READ = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def training(module):
    """Stands in for the reader's own: the fewer parameters the better."""
    final = 1 / (1 + sum(parameter.numel() for parameter in module.parameters()) / 1e4)
    yield from (final * share for share in (0.5, 0.8, 1.0))


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the reader has already."""
    monkeypatch.chdir(tmp_path)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield {"optuna": optuna, "Input": Input, "training": training}
    optuna.logging.set_verbosity(before)


def test_the_page_runs(names):
    exec(STUDY.replace("n_trials=60", "n_trials=24"), names)
    study, space = names["study"], names["space"]
    keys = [space.generate(Replay(trial.params)).key for trial in study.trials]
    assert len(keys) == len(set(keys)) == 24
    assert any("nas:fit_seconds" in trial.system_attrs for trial in study.trials)
    brief = Recipe(epochs=1, batch_size=256)
    small = TRAINED.replace("Recipe(epochs=4)", "BRIEF").replace("n_trials=60", "n_trials=1")
    exec(small, names | {"BRIEF": brief})
    assert len(study.trials) == 25
    exec(READ, names)
    assert len(Corpus.read("mine.jsonl.gz")) == len(names["corpus"]) >= 20
    assert 1 <= len(names["front"]) <= len(names["corpus"])
    assert {"params", "macs", "status"} <= study.trials[-1].user_attrs.keys()


def test_the_added_lines_are_at_most_ten():
    head = STUDY.partition("\n\n\ndef")[0]
    added = [line for line in head.splitlines() if line and "create_study" not in line]
    assert len([line for line in added if line not in ('    direction="maximize",', ")")]) <= 10


def test_the_storage_has_a_heartbeat(names):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        exec(STORAGE, names)
    assert names["storage"].get_heartbeat_interval() == 10
    names["storage"].remove_session()
