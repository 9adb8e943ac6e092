"""The page of our own corpora: its verdicts, and that it is of the corpora that are held."""

import json

import pytest

from experiments import measured
from experiments.cli import VERBS, parser_of
from experiments.comparison import describe
from experiments.corpora import FOLDER, page
from experiments.measured import heading
from experiments.results import STRONG
from nas import Corpus

NAME = "digits-block"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What a comparison wrote, with figures of our choice."""
    monkeypatch.setattr(page, "RUNS", tmp_path)

    def write(tau, r2):
        rows = [
            row("Peephole", 0.4, 0.3),
            row(STRONG, tau, r2),
            row("BNN", 0.5, 0.5),
            row("NuSVR", 0.7, 0.6),
        ]
        folder = page.folder_of(NAME).make()
        (folder.path / "compare.json").write_text(json.dumps({"rows": rows}))
        (folder.path / "compare.md").write_text("the table\n")
        return verdict("strong")

    return write


def row(surrogate, tau, r2):
    errors = {"kendall_tau_std": 0.02, "r2_std": 0.02, "repeats": 4}
    return {"surrogate": surrogate, "kendall_tau": tau, "r2": r2, **errors}


def verdict(form):
    text = page.page([NAME])
    (found,) = (x for x in text.splitlines() if x.startswith("|") and f" {form} |" in x)
    return [cell.strip() for cell in found.split("|")[2:-1]]


def test_the_goal_needs_both_figures_or_the_ceilings_share(told, monkeypatch):
    monkeypatch.setattr(page.metrics, "noise_ceiling", lambda corpus: 0.9)
    assert told(0.761, 0.851)[3] == "reached"
    assert told(0.761, 0.849)[3] == "**missed** (0.77 and 0.86, or 0.85)"
    assert told(0.759, 0.9)[3].startswith("**missed**")
    assert told(0.846, 0.1)[3] == "reached"


def test_without_a_ceiling_the_figures_count(told, monkeypatch):
    monkeypatch.setattr(page.metrics, "noise_ceiling", lambda corpus: None)
    assert told(0.99, 0.5)[3].startswith("**missed**")


def test_the_lead_on_the_papers_baselines_is_told(told):
    assert told(0.6, 0.5)[-2:] == ["+0.100", "-0.100"]
    assert verdict("the paper's")[-2:] == ["-0.100", "-0.300"]


def test_the_page_is_written_when_the_comparisons_ran(told, tmp_path, monkeypatch):
    told(0.6, 0.5)
    monkeypatch.setattr(page, "HELD", (NAME,))
    monkeypatch.setattr(page, "PAGE", tmp_path / "corpora.md")
    statuses = iter([2, 0])
    asked = []
    monkeypatch.setattr(measured, "nas", lambda words: asked.append(words) or next(statuses))
    with pytest.raises(SystemExit) as left:
        page.main()
    assert left.value.code == 2
    assert not page.PAGE.exists()
    page.main()
    assert asked == [["compare", "--config", str(page.config_of(NAME))]] * 2
    assert page.PAGE.read_text() == page.page([NAME])


def test_every_corpus_that_is_held_has_its_comparison():
    found = {path.stem.removeprefix("corpus-") for path in page.CONFIGS.glob("corpus-*.yaml")}
    assert found == set(page.HELD)


@pytest.mark.parametrize("name", page.HELD)
def test_half_of_the_networks_train(name):
    config = config_of(name)
    corpus = Corpus.read(FOLDER / f"{name}.jsonl.gz")
    assert str(config.corpus) == name
    assert config.train_size == len(corpus.finished.distinct) // 2
    assert config.out == page.RUNS / f"corpus-{name}"
    shown = [describe(surrogate) for surrogate in config.surrogates]
    assert {"Peephole", STRONG, "BNN", "NuSVR"} <= set(shown)


@pytest.mark.parametrize("name", page.HELD)
def test_the_committed_page_is_of_the_config_and_of_the_corpus(name):
    text = page.PAGE.read_text()
    assert text.startswith(page.INTRODUCTION)
    assert page.VERDICTS in text
    corpus = Corpus.read(FOLDER / f"{name}.jsonl.gz")
    assert page.statistics({name: corpus}).splitlines()[-1].split() in map(
        str.split, text.splitlines()
    )
    config = config_of(name)
    section = text.partition(f"{heading(page.config_of(name))}\n\n")[2].partition("\n## ")[0]
    assert section.startswith(f"Repeats: {config.repeats}.\n")
    shown = {line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")}
    assert shown - {"surrogate"} == {describe(surrogate) for surrogate in config.surrogates}


def config_of(name):
    parser = parser_of("compare", VERBS["compare"])
    return parser.instantiate(parser.parse_args(["--config", str(page.config_of(name))]))
