"""`nas compare`: sizes, surrogates, rows, and what is judged once."""

import json
from dataclasses import replace

import pytest

from experiments.cli import main
from nas import Corpus
from tests.experiments.small import refused


def compare_words(corpus, *surrogates, **options):
    words = ["compare", "--corpus", corpus, "--surrogates", f"[{', '.join(surrogates)}]"]
    options = {"train_size": 8, "out": corpus.parent / "out"} | options
    return [str(w) for w in (*words, *(x for k, v in options.items() for x in (f"--{k}", v)))]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"train_size": 12}, ["at most the 12 networks"]),
        ({"train_size": "fixed"}, ["marked 'train' and 'test'"]),
        ({"train_size": "some"}, ["--train_size", "some"]),
        ({"repeats": 0}, ["--repeats must be at least 1"]),
        ({"observed": 1.5}, ["share from 0 to 1"]),
        ({"observed": 1, "target": "curve"}, ["3 epochs, of which a share of 1.0"]),
    ],
)
def test_compare_refuses_sizes_that_do_not_fit(capsys, corpus_file, options, parts):
    said = refused(capsys, *compare_words(corpus_file, "surrogates.Constant", **options))
    assert all(part in said for part in parts)


@pytest.mark.parametrize(
    ("surrogates", "part"),
    [
        (["surrogates.Nope"], "Nope"),
        (["nowhere.Mine"], "nowhere"),
        (["json.JSONDecoder"], "JSONDecoder"),
        (["surrogates.Constant", "surrogates.Constant"], "is there twice"),
        (["{class_path: surrogates.Constant, init_args: {size: 3}}"], "size"),
    ],
)
def test_compare_refuses_surrogates_that_are_none(capsys, corpus_file, surrogates, part):
    assert part in refused(capsys, *compare_words(corpus_file, *surrogates))


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("return Prediction(np.zeros(len(queries) + 1))", "shape (4,) for 4 queries"),
        ("return Prediction(np.full(len(queries), np.nan))", "4 of 4 in mean are NaN"),
        ("return [0.5] * len(queries)", "must return a Prediction"),
    ],
)
def test_a_surrogate_that_answers_wrongly_is_named(capsys, corpus_file, plugin, body, part):
    said = refused(capsys, *compare_words(corpus_file, plugin(body)))
    assert part in said
    assert "Mine.predict" in said


def test_compare_counts_networks_and_not_their_trainings(capsys, corpus_file):
    once = Corpus.read(corpus_file)
    again = (replace(each, seed=99, target=0.5) for each in once[:5])
    once.merge(replace(once, records=tuple(again))).write(corpus_file)
    words = ["--train_size=6", "--repeats=2", "--workers=1", f"--out={corpus_file.parent}/out"]
    command = ["compare", f"--corpus={corpus_file}", "--surrogates=[surrogates.Constant]", *words]
    assert main(command) == 0
    told = json.loads((corpus_file.parent / "out" / "compare.json").read_text())
    assert told["rows"][0]["test_size"] == len(once) - 6
    assert told["noise_ceiling"] is not None


def test_compare_warns_of_curve_readers_that_are_shown_nothing(capsys, corpus_file):
    words = ["--train_size=8", "--repeats=1", "--workers=1", f"--out={corpus_file.parent}/out"]
    command = ["compare", f"--corpus={corpus_file}", "--surrogates=[surrogates.LastValue]", *words]
    assert main([*command, "--observed=0.7"]) == 0
    assert "shown none" not in capsys.readouterr().err
    assert main([*command, "--observed=0"]) == 0
    assert "warning: LastValue reads curves, but is shown none" in capsys.readouterr().err


def test_compare_writes_its_rows(capsys, corpus_file, plugin):
    mine = plugin("return Prediction(np.array([len(q.architecture.layers()) for q in queries]))")
    words = compare_words(
        corpus_file, mine, f"{{class_path: {mine}, init_args: {{answer: 2}}}}", repeats=2
    )
    assert main(words) == 0
    out = corpus_file.parent / "out"
    content = json.loads((out / "compare.json").read_text())
    assert [row["surrogate"] for row in content["rows"]] == ["Mine", "Mine(answer=2.0)"]
    row = content["rows"][0]
    assert row["kendall_tau"] == pytest.approx(1.0)
    assert (row["train_size"], row["test_size"], row["repeats"]) == (8, 4, 2)
    assert row["observed_epochs"] == 0
    assert "Mine(answer=2.0)" in (out / "compare.md").read_text()
    assert "Mine" in capsys.readouterr().out


def test_only_surrogates_that_read_curves_see_them_and_are_charged(corpus_file, plugin):
    mine = plugin(
        "return Prediction(np.array([sum(q.observed) for q in queries]))\n\n"
        "class Curves(Mine):\n    reads_curves = True"
    )
    words = compare_words(corpus_file, mine, mine.replace("Mine", "Curves"), observed=0.67)
    assert main(words) == 0
    rows = json.loads((corpus_file.parent / "out" / "compare.json").read_text())["rows"]
    assert [row["observed_epochs"] for row in rows] == [0, 2]
    points = json.loads((corpus_file.parent / "out" / "predictions.json").read_text())
    assert {point["predicted"] for point in points["Mine"]} == {0.0}
    assert {point["predicted"] for point in points["Curves"]} == {0.45}


def test_what_was_judged_once_is_not_judged_again(capsys, corpus_file, plugin):
    body = "return Prediction(np.full(len(queries), self.answer))"
    mine = plugin(body)
    assert main(compare_words(corpus_file, mine, repeats=2)) == 0
    assert capsys.readouterr().out.count("Mine: 8 networks") == 2
    other = f"{{class_path: {mine}, init_args: {{answer: 0.25}}}}"
    assert main(compare_words(corpus_file, mine, other, repeats=2)) == 0
    said = capsys.readouterr().out
    assert (said.count("Mine: 8"), said.count("Mine(answer=0.25): 8")) == (0, 2)
    assert main(compare_words(corpus_file, mine, repeats=3)) == 0
    assert capsys.readouterr().out.count("Mine: 8 networks") == 1
    plugin(body.replace("self.answer", "0.75"))
    assert main(compare_words(corpus_file, mine, repeats=2)) == 0
    assert capsys.readouterr().out.count("Mine: 8 networks") == 2


def test_several_training_sizes_give_a_row_each(corpus_file, plugin):
    mine = plugin("return Prediction(np.full(len(queries), 0.5))")
    assert main(compare_words(corpus_file, mine, train_size="[4, 8]", repeats=2)) == 0
    rows = json.loads((corpus_file.parent / "out" / "compare.json").read_text())["rows"]
    assert [(row["train_size"], row["test_size"]) for row in rows] == [(4, 8), (8, 4)]
    assert all(row["mse_low"] <= row["mse"] <= row["mse_high"] for row in rows)


def test_what_cannot_be_told_is_null_and_a_dash(corpus_file, plugin):
    mine = plugin("return Prediction(np.full(len(queries), 0.5))")
    assert main(compare_words(corpus_file, mine, test_size=1, repeats=1)) == 0
    out = corpus_file.parent / "out"
    text = (out / "compare.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["rows"][0]["r2"] is None
    assert "| - |" in " ".join((out / "compare.md").read_text().split())
    assert main(["report", str(out)]) == 0
    assert "This is one split, or one seed" in (out / "report.html").read_text()


def test_the_result_does_not_depend_on_the_number_of_workers(corpus_file, plugin, tmp_path):
    mine = plugin("return Prediction(np.array([q.architecture.macs % 97 / 97 for q in queries]))")
    rows = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        words = compare_words(corpus_file, mine, "surrogates.Constant", workers=workers, out=out)
        assert main(words) == 0
        content = json.loads((out / "compare.json").read_text())
        rows.append([{k: v for k, v in r.items() if "seconds" not in k} for r in content["rows"]])
    assert rows[0] == rows[1]
