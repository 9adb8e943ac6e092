"""The parts of the comparison with random search, without its trainings."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.folder import RunFolder
from experiments.parallel import Kept
from experiments.searching.against_random import RETRAININGS, best, interval, report, retrained
from nas.evaluators import FunctionEvaluator
from nas.studies import CollectTask
from nas.testing import ToySpace, toy_corpus
from nas.testing.toy import toy_accuracy


class Noisy(FunctionEvaluator):
    """An accuracy on test images that depends on the seed."""

    def evaluate(self, architecture, epochs=None, seed=0, on_epoch=None):
        record = super().evaluate(architecture, epochs, seed, on_epoch)
        object.__setattr__(record, "test_accuracy", record.target / 2 + seed * 1e-6)
        return record


def task(evaluator=Noisy(toy_accuracy), data="toy"):  # noqa: B008 - never changed
    header = replace(toy_corpus(2).header, data=data)
    return CollectTask(ToySpace(), evaluator, header)


def test_the_best_are_those_with_the_highest_validation_accuracy():
    corpus = toy_corpus(20)
    assert sorted(best(corpus).targets) == sorted(corpus.finished.targets)[-3:]


@pytest.mark.slow
def test_each_network_is_trained_again_with_each_seed_once(tmp_path):
    one, two = best(toy_corpus(20)), best(toy_corpus(20, seed=1))
    picked = {"search": [one], "random": [two, one]}
    found = retrained(task(), picked, Kept(tmp_path), 1)
    assert set(found) == {r.architecture.key for r in [*one, *two]}
    for record in one:
        half = toy_accuracy(record.architecture) / 2
        assert found[record.architecture.key] == pytest.approx(
            [half + seed * 1e-6 for seed in RETRAININGS]
        )
    assert len(list(tmp_path.iterdir())) == len(found) * len(RETRAININGS)
    never = task(evaluator=None)
    assert retrained(never, picked, Kept(tmp_path), 1) == found
    with pytest.raises(AttributeError):  # on other images nothing is known yet
        retrained(task(evaluator=None, data="other"), picked, Kept(tmp_path), 1)


def test_the_report_is_paired_by_seed(tmp_path, capsys):
    good, bad = best(toy_corpus(20)), best(toy_corpus(20, seed=1))
    tests = {r.architecture.key: [0.8] * 3 for r in bad} | {
        r.architecture.key: [0.9] * 3 for r in good
    }
    report({"search": [good] * 3, "random": [bad] * 3}, tests, RunFolder(tmp_path))
    told = json.loads((tmp_path / "against_random.json").read_text())
    assert told["difference"] == pytest.approx(told["low"]) == pytest.approx(told["high"])
    assert "mean difference +0.1000" in capsys.readouterr().out


def test_the_interval_is_students():
    differences = np.array([0.01, 0.02, 0.03])
    low, high = interval(differences)
    assert (low + high) / 2 == pytest.approx(0.02)
    assert high - low == pytest.approx(2 * 4.3026527 * 0.01 / np.sqrt(3), rel=1e-6)
