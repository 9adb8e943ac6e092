"""The demo at a small size: every part of the loop leaves what it should."""

import json
from functools import partial

import pytest

import surrogates
from experiments.cli import main
from experiments.demo import macs_percentile
from experiments.folder import RunFolder
from nas import Corpus
from nas.core.choices import Draw
from nas.studies import corpora_of
from search_spaces import BlockSpace
from tests.nas.training.data.digits import few_digits


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    few_digits(folder / "few.npz")
    small = ["--networks", "8", "--recipe.epochs", "1", "--workers", "1"]
    words = ["demo", *small, "--data", f"npz:{folder}/few.npz", "--out", f"{folder}/demo"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogates, "Peephole", partial(surrogates.Peephole, epochs=2))
        patch.setattr("experiments.demo.POOL", 200)
        assert main(words) == 0
        yield RunFolder(folder / "demo"), words


def test_all_networks_and_the_proposals_are_trained(run):
    folder, _ = run
    corpus = Corpus.read(folder.corpus)
    assert corpora_of(folder.storage) == {"nas": corpus}
    assert sorted(r.index for r in corpus if r.index is not None) == list(range(8))
    proposed = {record.architecture.key for record in corpus if record.index is None}
    chosen = {each["key"] for each in json.loads(folder.proposals.read_text())}
    assert len(chosen) == 3
    assert proposed == chosen
    assert all(record.test_accuracy is not None for record in corpus.finished)


def test_no_network_is_dearer_than_the_75th_percentile_of_the_space(run):
    folder, _ = run
    corpus = Corpus.read(folder.corpus)
    bound = macs_percentile(BlockSpace().on(corpus.header.input), 75, seed=0)
    assert all(record.macs <= bound for record in corpus)


def test_every_sampled_network_was_predicted_by_a_surrogate_that_had_not_seen_it(run):
    folder, _ = run
    (points,) = json.loads(folder.predictions.read_text()).values()
    sampled = [r for r in Corpus.read(folder.corpus) if r.index is not None]
    assert {point["key"] for point in points} == {r.architecture.key for r in sampled}


def test_the_page_stands_alone(run):
    folder, _ = run
    page = folder.report.read_text()
    assert "Predicted against real" in page
    assert "Learning curves" in page
    assert "src=" not in page.split("<script>")[0]
    assert page.count("plotly.js v") >= 1


def test_the_same_command_again_trains_nothing(run, capsys):
    folder, words = run
    before = folder.corpus.read_bytes()
    assert main(words) == 0
    assert folder.corpus.read_bytes() == before
    assert "wrote" in capsys.readouterr().out


def test_the_percentile_is_that_of_the_spaces_own_networks():
    import numpy as np

    space, rng = BlockSpace(), np.random.default_rng(99)
    bound = macs_percentile(space, 75, seed=0)
    share = np.mean([space.generate(Draw(rng)).macs <= bound for _ in range(1000)])
    assert 0.70 < share < 0.80
