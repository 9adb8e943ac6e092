"""The page of results: what stands in it, and that its configs are what it says."""

import json

import pytest

from experiments import measured, results
from experiments.cli import VERBS, parser_of
from experiments.comparison import describe
from experiments.measured import heading


def parsed(verb, path, *words):
    parser = parser_of(verb, VERBS[verb])
    return parser.instantiate(parser.parse_args(["--config", str(path), *words]))


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Two comparisons of tiny figures, instead of those that take an hour."""
    monkeypatch.setattr(results, "RUNS", tmp_path)

    def write(name, *rows):
        folder = results.folder_of(name).make()
        (folder.path / "compare.json").write_text(json.dumps({"rows": rows}))
        (folder.path / "compare.md").write_text(f"table of {name}\n")

    write(
        "naap440",
        row(results.STRONG, 400, kendall_tau=0.91, mae=0.0049, mae_std=0.0004),
        row("GaussianProcess", 400, kendall_tau=0.95),
        row("Ensemble(members=[GaussianProcess, Constant])", 400, kendall_tau=0.943),
        row("Calibrated(surrogate=Peephole)", 400, coverage=0.9),
    )
    write("lcnet", row("BNN(steps=1)", 248, mse=0.007, log_likelihood=1.2))
    return ("naap440", "lcnet")


def row(name, size, **figures):
    known = {f"{metric}_std": 0.01 for metric in figures} | figures
    base = {"surrogate": name, "train_size": size, "repeats": 4}
    return base | {"kendall_tau": 0.5, "kendall_tau_std": 0.0} | known


def line(page, *words):
    (found,) = (x for x in page.splitlines() if x.startswith("|") and all(w in x for w in words))
    return found


def test_reached_and_missed_are_told_apart(told):
    page = results.page(told)
    assert "**missed** by 0.02" in line(page, "naap440", "Peephole strong", "tau")
    assert "| reached within the error |" in line(page, "naap440", "Peephole strong", "MAE")
    assert "0.9500 ± 0.0050" in line(page, "naap440", "GaussianProcess")
    assert line(page, "lcnet", "MSE", "at most").endswith(" reached |")
    assert line(page, "lcnet", "log-likelihood", "at least").endswith(" reached |")
    assert "-0.007 (naap440, 400)" in page
    assert "90.0% ± 0.5% (naap440, 400)" in page


def test_every_table_stands_under_its_command(told):
    page = results.page(told)
    for name in told:
        command = f"nas compare --config experiments/configs/results-{name}.yaml"
        assert page.index(command) < page.index(f"table of {name}")


def test_the_page_is_written_when_all_comparisons_ran(told, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "NAMES", told)
    monkeypatch.setattr(results, "PAGE", tmp_path / "results.md")
    asked = []
    monkeypatch.setattr(measured, "nas", lambda words: asked.append(words) or 2)
    with pytest.raises(SystemExit) as left:
        results.main()
    assert left.value.code == 2
    assert not results.PAGE.exists()
    monkeypatch.setattr(measured, "nas", lambda words: asked.append(words) or 0)
    results.main()
    assert [words[2] for words in asked[1:]] == [str(results.config_of(name)) for name in told]
    assert results.PAGE.read_text() == results.page(told)


def test_every_config_of_results_is_on_the_page():
    found = {path.stem for path in results.CONFIGS.glob("results-*.yaml")}
    assert found == {f"results-{name}" for name in results.NAMES}
    assert {target.table for target in results.TARGETS} <= set(results.NAMES)


@pytest.mark.parametrize("name", results.NAMES)
def test_a_comparison_writes_where_the_page_looks(name):
    config = parsed("compare", results.config_of(name))
    assert config.out == results.RUNS / name
    shown = [describe(surrogate) for surrogate in config.surrogates]
    sizes = config.train_size if isinstance(config.train_size, list) else [config.train_size]
    for target in results.TARGETS:
        if target.table == name:
            assert sum(target.means(each, target.train_size) for each in shown) == 1, target
            assert target.train_size in sizes or sizes[0] in ("fixed", "folds")


def test_strong_is_what_its_config_says():
    strong = parsed("fit", results.CONFIGS / "peephole-strong.yaml", "--corpus", "x")
    assert describe(strong.surrogate) == results.STRONG


def test_a_setting_that_is_not_the_default_is_named_in_the_summary(told):
    told_row = row("GradientBoosting(features=grams)", 400, kendall_tau=0.61)
    (target,) = (
        each
        for each in results.TARGETS
        if each.surrogate == told_row["surrogate"] and each.train_size == 400
    )
    assert "GradientBoosting(features=grams)" in target.line([told_row])


def committed():
    """The page's sections by their titles."""
    _, *sections = results.PAGE.read_text().split("\n## ")
    return {text.partition("\n")[0]: text for text in sections}


def test_the_committed_page_has_these_sections_and_no_others():
    sections = committed()
    titles = [heading(results.config_of(name)).partition("\n")[0][3:] for name in results.NAMES]
    assert list(sections) == ["Targets", *titles]
    assert results.PAGE.read_text().startswith(results.INTRODUCTION)


@pytest.mark.parametrize("name", results.NAMES)
def test_the_committed_page_is_of_the_config(name):
    head = heading(results.config_of(name))[3:]
    text = committed()[head.partition("\n")[0]]
    config = parsed("compare", results.config_of(name))
    assert text.startswith(f"{head}\n\nRepeats: {config.repeats}.\n")
    shown = {row.split("|")[1].strip() for row in text.splitlines() if row.startswith("| ")}
    assert shown - {"surrogate"} == {describe(surrogate) for surrogate in config.surrogates}


def test_the_committed_page_has_a_line_for_every_target():
    targets = committed()["Targets"]
    lines = [row for row in targets.splitlines() if row.startswith("| ")][1:]
    told = [[cell.strip() for cell in row.split("|")[1:6]] for row in lines]
    for (table, size, _, figure, bound), target in zip(told, results.TARGETS, strict=True):
        assert (table, size) == (target.table, str(target.train_size))
        assert figure == results.LABELS[target.metric]
        assert bound.endswith(f"{target.bound:g}")
