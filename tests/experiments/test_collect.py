"""`nas collect`: what the command adds to `nas.studies.collect`."""

from dataclasses import replace

import pytest
import torch

from experiments.cli import main
from experiments.collect import known_input, summary, task_of
from experiments.folder import RunFolder
from experiments.report.content import Content
from experiments.report.summary import of_corpus
from experiments.searching.for_real import outcome
from nas import Corpus, Header, Input
from nas.core.limits import Limits
from nas.studies import CollectTask, collect
from nas.training import Recipe
from search_spaces import BlockSpace
from tests.experiments.small import small_corpus
from tests.nas.training.data.digits import few_digits


def test_workers_are_told_which_kind_of_device(monkeypatch):
    for there, kind in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        task = task_of(BlockSpace(), "digits", Recipe(), 0, Limits())
        assert task.evaluator.device == kind


def test_the_input_is_known_from_the_folders_study(tmp_path):
    folder = RunFolder(tmp_path)
    assert known_input(folder, "nas", "digits") is None
    space = BlockSpace()
    task = CollectTask(space, None, Header(space.skeleton, space.input, "digits"))
    collect(task, storage=folder.storage, study="nas", networks=0)
    assert known_input(folder, "nas", "digits") == Input(1, 8, 8, 10)
    assert known_input(folder, "nas", "MNIST") is None
    assert known_input(folder, "other", "digits") is None
    folder.study.write_text("something else")
    assert known_input(folder, "nas", "digits") is None


def test_a_folder_that_no_url_can_name_is_refused(capsys):
    assert main(["collect", "--networks=1", "--out=what?"]) == 2
    assert "must have no '?', but got what?" in capsys.readouterr().err


def test_the_options_of_survival_reach_the_evaluator(tmp_path):
    folder = tmp_path / "checkpoints"
    kept = {"checkpoint_dir": folder, "max_seconds": 60.0}
    task = task_of(BlockSpace(), "digits", Recipe(), 0, Limits(), "cpu", **kept)
    assert {name: getattr(task.evaluator, name) for name in kept} == kept
    assert folder.is_dir()


def test_a_summary_counts_networks_once_and_says_how_they_ended():
    corpus = small_corpus(6)
    ended = [replace(corpus[0], status="timeout"), replace(corpus[1], status="diverged")]
    again = replace(corpus[3], seed=99, target=1.0)
    found = Corpus(corpus.header, (*ended, *corpus[2:], again))
    said = summary(found)
    assert said.startswith("6 networks, 1 diverged, 1 out of time, 1 further trainings; accuracy ")
    assert not said.endswith("1.0000 best")
    assert summary(found[:1]) == "1 networks, 1 out of time, none finished"


def test_a_network_that_was_trained_again_is_no_proposal_and_listed_once(tmp_path):
    corpus = small_corpus(6)
    again = [replace(record, seed=99) for record in corpus]
    found = Corpus(corpus.header, (*corpus, *again))
    assert "best proposed" not in outcome(found, 6)
    shown = Content(RunFolder(tmp_path), found).finished
    assert [record.architecture.key for record in shown] == [r.architecture.key for r in corpus]
    assert of_corpus(found).startswith("6 networks ")


@pytest.mark.slow
def test_a_collect_with_little_time_and_one_with_enough(tmp_path, capsys):
    few_digits(tmp_path / "few.npz")
    words = ["collect", "--networks", "2", "--recipe.epochs", "2", "--max_macs", "200000"]
    words += ["--data", f"npz:{tmp_path}/few.npz", "--out", f"{tmp_path}/run", "--workers", "1"]
    words += ["--checkpoint_dir", f"{tmp_path}/kept"]
    assert main([*words, "--max_seconds", "0.000001"]) == 0
    said = capsys.readouterr().out
    assert "2 networks, 2 out of time, none finished" in said and "--retry_failed" in said
    assert main([*words, "--retry_failed", "--retrain", "2", "--max_seconds", "600"]) == 0
    assert "2 networks, 2 further trainings; accuracy" in capsys.readouterr().out
    corpus = Corpus.read(tmp_path / "run" / "corpus.jsonl.gz")
    assert [record.status for record in corpus] == ["complete"] * 4
    assert list((tmp_path / "kept").iterdir()) == []
    other = [*words, "--corpus", f"{tmp_path}/run/corpus.jsonl.gz", "--out", f"{tmp_path}/b"]
    assert main([*other, "--retrain", "2"]) == 0
    assert Corpus.read(tmp_path / "b" / "corpus.jsonl.gz") == corpus
