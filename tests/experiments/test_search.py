"""`nas search`, for real on few images and over small tables."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from experiments.cli import main
from experiments.measured import heading
from experiments.searching import page
from experiments.searching.replaying import Replays, Trace
from experiments.searching.summary import best_so_far, found_at, row, search_table
from nas import Corpus, Header, LearningCurve, Record
from nas.core.choices import Draw
from nas.studies import LearningCurvePruner, stream
from nas.testing import ToySpace, toy_corpus
from search_spaces import BlockSpace, MacroSpace
from surrogates import NuSVR
from tests.experiments.small import refused

NAMED = "search_spaces.MacroSpace"
ALL = "[random, evolution, tpe, nsga2]"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.jsonl.gz"
    toy_corpus(60).write(path)
    return path


def in_table(table, out, *more):
    words = ["search", "--table", table, "--networks", 20, "--warmup", 6, "--batch", 5]
    words += ["--proposer.budget", 100, "--workers", 1, "--out", out, *more]
    return [str(word) for word in words]


def traced(targets):
    return Trace(targets, [2] * len(targets), [(t or 0.7, 4) for t in targets], 0.0)


def test_methods_are_compared_in_a_table(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(in_table(table, out, "--repeats", 2, "--baselines", ALL)) == 0
    found = json.loads((out / "search.json").read_text())
    assert found["best"] == Corpus.read(table).finished.targets.max()
    assert [each["method"] for each in found["rows"]] == [
        "GaussianProcess",
        "random search",
        "regularised evolution",
        "Optuna's TPE",
        "Optuna's NSGA-II",
    ]
    for each in found["rows"]:
        assert each["seeds"] == 2
        assert len(each["regret"]) == 20
        assert each["regret"] == sorted(each["regret"], reverse=True)
        assert min(each["regret"]) >= 0
    assert "random search" in (out / "search.md").read_text()
    assert main(["report", str(out)]) == 0
    assert "points behind the best" in (out / "report.html").read_text()


@pytest.mark.slow
def test_what_was_searched_once_is_not_searched_again(table, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(in_table(table, out)) == 0
    kept = {path: path.stat().st_mtime_ns for path in (out / "cache").iterdir()}
    before = (out / "search.json").read_bytes()
    assert main(in_table(table, out)) == 0
    assert (out / "search.json").read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in (out / "cache").iterdir()} == kept
    assert main(in_table(table, out, "--repeats", 2)) == 0
    assert len(list((out / "cache").iterdir())) == 2


@pytest.mark.slow
def test_epochs_are_saved_where_curves_cannot_win(table, tmp_path):
    out = tmp_path / "out"
    assert main(in_table(table, out, "--confidence", "0.9", "--curves", "8")) == 0
    (found,) = json.loads((out / "search.json").read_text())["rows"]
    assert found["epochs_saved"] > 0


def test_the_space_that_a_table_names_is_searched(tmp_path):
    networks = [sampled.architecture for sampled in islice(stream(MacroSpace(), 0), 30)]
    header = Header(networks[0].skeleton, networks[0].input, "made up", space=NAMED)
    records = [Record(network, 0.5 + network.macs / 1e10) for network in networks]
    table, out = tmp_path / "macro.jsonl.gz", tmp_path / "out"
    Corpus(header, tuple(records)).write(table)
    assert main(in_table(table, out, "--baselines", "[tpe]", "--networks", 12)) == 0
    ours, tpe = json.loads((out / "search.json").read_text())["rows"]
    assert len(ours["regret"]) == len(tpe["regret"]) == 12
    assert min(ours["regret"]) >= 0


@pytest.mark.slow
def test_a_search_for_real_trains_what_it_proposes_and_nothing_twice(tmp_path, capsys):
    out = tmp_path / "out"
    words = ["search", "--warmup", "2", "--networks", "3", "--recipe.epochs", "1", "--workers", "1"]
    words += ["--max_macs", "300000", "--proposer.budget", "60", "--out", str(out)]
    words += ["--checkpoint_dir", str(tmp_path / "kept"), "--max_seconds", "600"]
    assert main([*words, "--networks", "2"]) == 0
    assert "all networks are random" in capsys.readouterr().err
    assert main(words) == 0
    assert list((tmp_path / "kept").iterdir()) == []
    corpus = Corpus.read(out / "corpus.jsonl.gz")
    assert [record.index for record in corpus] == [0, 1, None]
    assert all(record.macs <= 300_000 for record in corpus)
    said = capsys.readouterr().out
    assert "best proposed 1" in said
    assert "round 1: GaussianProcess fitted to 2 networks" in said
    assert main(words) == 0
    assert Corpus.read(out / "corpus.jsonl.gz") == corpus
    assert "round" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "digits"], "--data or --table"),
        (["--networks", "1000"], "at most the 60"),
        (["--networks", "0"], "--networks must be at least 1"),
        (["--repeats", "0"], "--repeats must be at least 1"),
        (["--surrogate", "surrogates.NuSVR"], "reads curves"),
        (["--space", "search_spaces.MacroSpace"], "MacroSpace's networks"),
        (["--space", "search_spaces.BlockSpace"], "must make networks of the table"),
        (["--acquisition.beta", "-1"], "beta"),
        (["--confidence", "2"], "confidence"),
        (["--baselines", "[best]"], "baselines"),
        (["--curves", "0"], "--curves must be at least 1"),
        (["--warmup", "20"], "nothing would be searched"),
    ],
)
def test_bad_options_get_one_line(words, told, table, tmp_path, capsys):
    assert told in refused(capsys, *in_table(table, tmp_path / "out", *words))


def test_a_table_that_its_space_hardly_hits_is_searched_by_its_members(tmp_path):
    networks = [BlockSpace().generate(Draw(np.random.default_rng(each))) for each in range(12)]
    header = Header(networks[0].skeleton, networks[0].input, "x", space="search_spaces.BlockSpace")
    records = [Record(network, 0.5 + network.params / 1e9) for network in networks]
    table, out = tmp_path / "own.jsonl.gz", tmp_path / "out"
    Corpus(header, tuple(records)).write(table)
    assert main(in_table(table, out, "--networks", "12", "--warmup", "4")) == 0
    (row,) = json.loads((out / "search.json").read_text())["rows"]
    assert row["regret"][-1] == 0


def test_stopping_needs_curves(tmp_path, capsys):
    table = tmp_path / "table.jsonl.gz"
    toy_corpus(30, epochs=0).write(table)
    told = refused(capsys, *in_table(table, tmp_path / "out", "--confidence", "0.9"))
    assert "the table has none" in told


def test_a_network_that_is_there_twice_counts_as_it_is_looked_up(tmp_path):
    corpus = toy_corpus(30)
    twice = replace(corpus[0], target=0.01, curve=LearningCurve((0.01,)), seed=5)
    best = max(corpus, key=lambda record: record.target)
    again = replace(best, target=0.99, curve=LearningCurve((0.99,)), seed=5)
    table, out = tmp_path / "table.jsonl.gz", tmp_path / "out"
    Corpus(corpus.header, (*corpus, twice, again)).write(table)
    assert main(in_table(table, out, "--networks", "30")) == 0
    found = json.loads((out / "search.json").read_text())
    assert found["best"] == best.target
    assert found["rows"][0]["regret"][-1] == 0


@pytest.mark.slow
def test_other_settings_are_searched_anew(table, tmp_path):
    out = tmp_path / "out"
    assert main(in_table(table, out, "--baselines", "[random]")) == 0
    assert len(list((out / "cache").iterdir())) == 2
    more = ["--baselines", "[random]", "--acquisition.beta", "1"]
    assert main(in_table(table, out, *more)) == 0
    assert len(list((out / "cache").iterdir())) == 3


def test_repeats_need_a_table(capsys):
    assert "give --table" in refused(capsys, "search", "--repeats", "3")


def test_best_so_far_and_where_the_best_was_found():
    trace = traced([0.5, None, 0.4, 0.9, 0.9])
    assert best_so_far(trace, 7).tolist() == [0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9]
    assert found_at(trace, 0.9) == 4
    assert found_at(trace, 0.95) is None


def test_rows_hold_medians_means_and_intervals():
    traces = [traced([0.1 * seed, 0.9 if seed else 0.2]) for seed in range(5)]
    found = row("method", traces, 0.9, Replays(toy_corpus(2), None, networks=2))
    assert found["found_at"] == [None, 2, 2, 2, 2]
    assert found["found_median"] == 2
    assert found["best"] == {"2": pytest.approx(np.mean([0.2, 0.9, 0.9, 0.9, 0.9]))}
    assert found["regret_low"][1] <= found["regret"][1] <= found["regret_high"][1]
    text = search_table([found], 0.9)
    assert "| method |     5 |        4 |      2 |    - |" in text


def test_what_is_saved_and_lost_by_stopping_is_told():
    pruner = LearningCurvePruner(ToySpace(), NuSVR(), warmup=1)
    asked = Replays(toy_corpus(2), None, networks=3, pruner=pruner)
    found = row("method", [traced([0.6, None, 0.5])], 0.9, asked)
    assert found["epochs_saved"] == 0.5
    assert found["lost"] == pytest.approx(0.1)
    assert "0.1000" in search_table([found], 0.9)


def test_the_table_tells_how_many_times_as_many_networks_the_others_need():
    asked = Replays(toy_corpus(2), None, networks=4)
    fast = row("ours", [traced([0.1, 0.9])], 0.9, asked)
    slow = row("other", [traced([0.1, 0.2, 0.9])], 0.9, asked)
    never = row("third", [traced([0.1] * 4)], 0.9, asked)
    told = search_table([fast, slow, never], 0.9).splitlines()[-1]
    assert "other needs 1.5, third needs more than 2.0 times as many networks as ours" in told


def test_a_section_of_the_page_holds_command_words_table_and_picture(tmp_path, monkeypatch):
    folder = tmp_path / "runs/results/search-macro"
    folder.mkdir(parents=True)
    (folder / "search.md").write_text("| a table |\n")
    monkeypatch.chdir(tmp_path)
    text = page.section("search-macro")
    assert text.startswith("### NAS-Bench-Macro\n")
    assert "nas search --config experiments/configs/search-macro.yaml" in text
    assert "| a table |" in text
    assert "images/search-macro.svg" in text
    assert set(page.DRAWN) <= set(page.NAMES)
    committed = (page.DOCS / "search.md").read_text()
    assert page.MARK in committed
    assert all(heading(page.CONFIGS / f"{name}.yaml", 3) in committed for name in page.NAMES)
