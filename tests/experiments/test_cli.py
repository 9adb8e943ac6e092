"""The command line: help, options, and one clear line for every bad input."""

import inspect
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.cli import VERBS, main, parser_of
from experiments.wording import one_line
from nas import Architecture, Corpus, Header, LearningCurve, Record
from nas.core.choices import Draw
from search_spaces import BlockSpace

SPACE = BlockSpace()


def small_corpus(number=12, **header):
    rng = np.random.default_rng(0)
    networks = [SPACE.generate(Draw(rng)) for _ in range(number)]
    records = [
        Record(
            network,
            target=0.3 + len(network.layers()) / 200,
            curve=LearningCurve((0.2, 0.25, 0.3 + len(network.layers()) / 200)),
            index=index,
            seed=index,
        )
        for index, network in enumerate(networks)
    ]
    told = {"data": "digits", "recipe": {"epochs": 3}, "source": "nas collect"} | header
    return Corpus(Header(SPACE.skeleton, SPACE.input, **told), tuple(records))


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "corpus.jsonl.gz"
    small_corpus().write(path)
    return path


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A module of the user's in the working folder."""

    def write(body, name="my_plugin", learnt="fitted_ = True"):
        (tmp_path / f"{name}.py").write_text(
            "import numpy as np\nfrom nas import Prediction, Surrogate\n\n"
            "class Mine(Surrogate):\n"
            "    def __init__(self, answer: float = 0.5):\n        self.answer = answer\n"
            f"    def fit(self, corpus):\n        self.{learnt}\n        return self\n"
            f"    def predict(self, queries):\n        {body}\n"
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(
            sys, "path", list(sys.path)
        )  # each test has a working folder of its own
        sys.modules.pop(name, None)
        return f"{name}.Mine"

    yield write
    sys.modules.pop("my_plugin", None)


def refused(capsys, *words):
    """The one line on stderr of a command that ends with exit status 2."""
    assert main([str(word) for word in words]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("nas: error: ")
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_help_for_every_option(capsys, name):
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    parameters = inspect.signature(VERBS[name].function()).parameters
    text = " ".join(said.split())
    for parameter in parameters:
        assert re.search(rf"(--)?{parameter}\b", text), parameter
    documented = inspect.getdoc(VERBS[name].function())
    for parameter in parameters:
        assert re.search(rf"^ *{parameter}: ", documented, re.MULTILINE), parameter


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--reclaim", "--retry_failed"], [True, True]),
        (["--reclaim=false", "--retry_failed", "true"], [False, True]),
        ([], [False, False]),
    ],
)
def test_a_flag_alone_says_yes(words, told):
    parsed = parser_of("collect", VERBS["collect"]).parse_args(words)
    assert [parsed.reclaim, parsed.retry_failed] == told


def test_help_imports_neither_torch_nor_optuna():
    code = (
        "import sys, experiments.cli; assert experiments.cli.main(['--help']) == 0; "
        "heavy = {'torch', 'optuna', 'scipy', 'jsonargparse', 'plotly'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["nonsense"], ["a verb must be one of", "'nonsense'"]),
        (["corpus"], ["must be followed by", "info", "got nothing"]),
        (["corpus", "eat"], ["must be followed by", "'eat'"]),
        (["collect", "--netwroks", "3"], ["--netwroks", "mean --networks?", "nas collect --help"]),
        (["collect", "--network", "3"], ["no option --network; did you mean --networks?"]),
        (["collect", "--recipe.epoch=3"], ["no option --recipe.epoch; did", "--recipe.epochs?"]),
        (["collect", "--space", "block"], ["--space must be the dotted path of a class", "block"]),
        (["fit", "--surrogate", "peephole"], ["--surrogate must", "mean surrogates.Peephole?"]),
        (["fit", "--surrogate", "surrogates.NuSvr"], ["got surrogates.NuSvr; did", ".NuSVR?"]),
        (["compare", "--surrogates", "[peephole]"], ["--surrogates must", "surrogates.Peephole?"]),
        (["compare", "--surrogates", "bnn"], ["list in brackets", "'[surrogates.BNN]'"]),
        (["compare", "--surrogates", "a.B"], ["must be a list in brackets", "a.B", "'[a.B]'"]),
        (["collect", "--networks", "many"], ["--networks", "int", "many"]),
        (["collect", "--networks", "0"], ["--networks must be at least 1", "0"]),
        (["collect", "--workers", "0"], ["--workers", "at least 1"]),
        (["collect", "--max_macs", "0"], ["max_macs must be at least 1"]),
        (["collect", "--max_seconds", "0"], ["max_seconds must be above 0"]),
        (["search", "--max_seconds", "-1"], ["max_seconds must be above 0"]),
        (["collect", "--checkpoint_dir", "text.txt"], ["--checkpoint_dir must be a folder"]),
        (["search", "--checkpoint_dir", "text.txt/a"], ["--checkpoint_dir must be a folder"]),
        (["collect", "--networks", "3", "--retrain", "4"], ["from 0 to", "networks, 3, but got 4"]),
        (
            ["collect", "--retrain", "1", "--train_seed", "-1"],
            ["train_seed must be a whole"],
        ),
        (["collect", "--recipe.epochs", "0"], ["epochs"]),
        (["collect", "--recipe.schedule", "sometimes"], ["schedule", "sometimes"]),
        (["collect", "--space", "search_spaces.Nope"], ["--space", "Nope"]),
        (["collect", "--config", "missing.yaml"], ["missing.yaml"]),
        (["collect", "--data", "npz:missing.npz"], ["missing.npz"]),
        (["collect", "--data", "nonsense"], ["nonsense", "digits"]),
        (["fit", "--corpus", "missing.jsonl"], ["missing.jsonl does not exist"]),
        (["fit"], ["required: --corpus;"]),
        (["predict"], ["required: --surrogate, --architecture;"]),
        (["predict", "--trust", "my_peephole"], ["--trust must be a", "write '[my_peephole]'"]),
        (["collect", "--recipe.augment", "[crop"], ["list in brackets, but got [crop; see"]),
        (["search", "--baselines", "random"], ["--baselines must be a", "write '[random]'"]),
        (["collect", "--recipe.augment", "crop"], ["list in brackets", "write '[crop]'"]),
        (["collect", "--device", "tpu"], ["--device must be auto or what", "got 'tpu'"]),
        (["search", "--device", "cuda:99"], ["--device must be auto or what", "'cuda:99'"]),
        (["collect", "--storage", "journal:no/j.log"], ["must lie in a folder, but 'no' is none"]),
        (["predict", "--surrogate", "nowhere", "--architecture", "a.json"], ["nas fit", "nowhere"]),
        (["propose", "--surrogate", "nowhere"], ["nas fit", "nowhere"]),
        (["report", "nowhere"], ["nowhere", "does not exist"]),
        (["corpus", "info", "missing.jsonl"], ["missing.jsonl"]),
        (["corpus", "import", "nonsense", "x"], ["naap440", "nonsense"]),
        (["corpus", "import", "naap440", "nowhere"], ["naap440.csv", "nowhere"]),
        (["demo", "--networks", "3"], ["at least 8"]),
        (["collect", "--seed", "-1"], ["seed must be a whole number >= 0"]),
        (["collect", "--data", "npz:keys.npz"], ["train_images", "keys.npz"]),
        (["collect", "--storage", "text.txt"], ["text.txt must be an SQLite file"]),
        (["collect", "--out", "text.txt"], ["--out must be a folder", "text.txt"]),
        (["collect", "--out", "text.txt/sub"], ["--out must be a folder", "text.txt"]),
        (["corpus", "export", "--storage", "foreign.db", "--out", "a.jsonl"], ["Optuna's tables"]),
        (["corpus", "info", "broken.jsonl.gz"], ["broken.jsonl.gz", "cannot be read"]),
        (["report", "broken_run"], ["compare.json", "list"]),
        (
            ["fit", "--corpus", "a", "--surrogate", "syntax_error.Mine"],
            ["(syntax_error.py, line 1"],
        ),
        (
            ["search", "--acquisition", "nas.search.PoolProposer"],
            ["of Acquisition", "PoolProposer;"],
        ),
        (["search", "--acquisition", "nas.search.Gredy"], ["did you mean nas.search.Greedy?"]),
        (
            ["search", "--baselines", "[random, best]"],
            ["some of random, evolution, tpe", "got best"],
        ),
        (["search", "--out", "text.txt/sub"], ["--out must be a folder"]),
    ],
    ids=" ".join,
)
def test_bad_input_gets_one_line_and_exit_status_2(capsys, tmp_path, monkeypatch, words, parts):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "keys.npz", images=np.zeros(3))
    (tmp_path / "text.txt").write_text("something else")
    (tmp_path / "syntax_error.py").write_text("class Mine(")
    small_corpus(2).write("broken.jsonl.gz")
    data = bytearray((tmp_path / "broken.jsonl.gz").read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "broken.jsonl.gz").write_bytes(data)
    (tmp_path / "broken_run").mkdir()
    (tmp_path / "broken_run" / "compare.json").write_text("[1]")
    with closing(sqlite3.connect("foreign.db")) as foreign:
        foreign.execute("create table mine (x)")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    said = refused(capsys, *words)
    for part in parts:
        assert part in said
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {k: v for k, v in after.items() if "__pycache__" not in k.parts} == before


def test_a_table_that_was_cut_is_imported_with_a_warning(capsys, tmp_path):
    text = 'net,net_str,val_accs\n"(2, 2, 2, 2, 2, 2)",x,91.0\n"(0, 1, 0, 1, 0, 2)",x,50.0\n'
    (tmp_path / "nb201_valid_nets.csv").write_text(text)
    out = tmp_path / "corpus.jsonl"
    assert main(["corpus", "import", "nas-bench-201", str(tmp_path), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "nas-bench-201 has 9445 networks" in one_line(said.err)
    assert "has 2" in one_line(said.err)
    assert len(Corpus.read(out)) == 2


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


def test_a_fitted_surrogate_predicts_and_proposes(capsys, corpus_file, plugin, tmp_path):
    mine = plugin(
        "return Prediction(np.array([len(q.architecture.layers()) / 100 for q in queries]))"
    )
    out = tmp_path / "fit"
    assert main(["fit", "--corpus", f"{corpus_file}", "--surrogate", mine, "--out", f"{out}"]) == 0
    trusting = ["--surrogate", f"{out}", "--trust", "[my_plugin]"]
    limits = ["--max_params", "100000", "--budget", "100", "--top", "3"]
    assert main(["propose", *trusting, *limits, "--out", f"{out}"]) == 0
    found = json.loads((out / "proposals.json").read_text())
    assert len(found) == 3
    assert all(each["params"] <= 100_000 for each in found)
    following = f"next: nas predict --surrogate {out} --trust '[my_plugin]' --architecture {out}/"
    assert following in capsys.readouterr().out
    architectures = ["--architecture", f"{out}/proposals.json"]
    assert main(["predict", *trusting, *architectures]) == 0
    said = capsys.readouterr()
    assert all(f"{each['predicted']:.4f}" in said.out for each in found)
    assert not said.err
    network = Architecture.from_json(found[0]["architecture"])
    other = network.on(replace(network.skeleton, blocks=(5,) * len(network.skeleton.blocks)))
    (tmp_path / "other.json").write_text(json.dumps(other.to_json()))
    assert main(["predict", *trusting, "--architecture", f"{tmp_path}/other.json"]) == 0
    warned = capsys.readouterr().err.strip()
    assert "1 of 1 architectures stand in another skeleton" in warned and "\n" not in warned
    said = refused(capsys, "predict", "--surrogate", out, *architectures)
    assert said.endswith("if you trust it, add --trust '[my_plugin]'")
    assert "nas fit" in refused(capsys, "predict", "--surrogate", tmp_path, *architectures)


def test_architectures_beyond_what_a_surrogate_has_seen_are_told(capsys, corpus_file, tmp_path):
    out = str(tmp_path)
    fit = ["fit", "--corpus", f"{corpus_file}", "--surrogate", "surrogates.Constant"]
    assert main([*fit, "--out", out]) == 0
    seen = Corpus.read(corpus_file)
    macs, params = max(r.macs for r in seen), max(r.params for r in seen)
    propose = ["propose", "--surrogate", out, "--budget", "40", "--top", "40", "--out", out]
    capsys.readouterr()
    assert main([*propose, "--max_macs", f"{macs}", "--max_params", f"{params}"]) == 0
    assert not capsys.readouterr().err
    assert main(propose) == 0
    found = json.loads((tmp_path / "proposals.json").read_text())
    beyond = sum(each["macs"] > macs or each["params"] > params for each in found)
    said = f"{beyond} of 40 architectures are larger than the networks that the surrogate was"
    assert beyond and said in capsys.readouterr().err
    assert main(["predict", "--surrogate", out, "--architecture", f"{out}/proposals.json"]) == 0
    assert said in capsys.readouterr().err
    task = json.loads((tmp_path / "task.json").read_text())
    for broken in (5, None, [1], {"params": 1}, {"max_params": 0}, {"max_params": "x"}):
        (tmp_path / "task.json").write_text(json.dumps({**task, "seen": broken}))
        assert "task must tell the max_params and max_macs that it has seen" in refused(
            capsys, *propose
        )
    for broken in ("[]", "{}", '{"format": 1}'):
        (tmp_path / "task.json").write_text(broken)
        assert "task.json is not; fit the surrogate again" in refused(capsys, *propose)
    del task["seen"]  # as earlier versions wrote it
    (tmp_path / "task.json").write_text(json.dumps(task))
    assert main(propose) == 0
    assert not capsys.readouterr().err


def test_a_surrogate_whose_answer_is_no_prediction_is_not_kept(
    capsys, corpus_file, plugin, tmp_path
):
    fit, mine = tmp_path / "fit", plugin("return np.zeros(len(queries))")
    words = ["fit", "--corpus", f"{corpus_file}", "--out", f"{fit}", "--surrogate"]
    assert main([*words, "surrogates.Constant"]) == 0
    before = {path: path.read_bytes() for path in fit.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert "Mine.predict must return a Prediction, but" in refused(capsys, *words, mine)
    assert before == {path: path.read_bytes() for path in fit.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("self.m", "got AttributeError: 'Mine' object has no attribute 'm'; keep what fit learns"),
        ("getattr(self, 'm', 0.5)", "must say the same when it was saved and loaded, but says 0.5"),
    ],
)
def test_a_surrogate_that_would_forget_what_it_learnt_is_not_kept(
    answer, told, capsys, corpus_file, plugin, tmp_path
):
    mine = plugin(f"return Prediction(np.full(len(queries), {answer}))", learnt="m = 0.7")
    words = ["fit", "--corpus", corpus_file, "--surrogate", mine, "--out", tmp_path / "fit"]
    assert told in refused(capsys, *words)
    mine = plugin("return Prediction(np.random.random(len(queries)))")
    assert main([*map(str, words[:4]), mine, *map(str, words[5:])]) == 0, "as it always says"


def test_architectures_of_another_task_are_refused(capsys, corpus_file, plugin, tmp_path):
    mine = plugin("return Prediction(np.zeros(len(queries)))")
    assert main(["fit", "--corpus", f"{corpus_file}", "--surrogate", mine, "--out", "fit"]) == 0
    network = SPACE.on((3, 32, 32, 10)).generate(Draw(np.random.default_rng(0)))
    data = network.to_json() | {"input": [3, 32, 32, 10]}
    (tmp_path / "a.json").write_text(json.dumps(data))
    words = ["predict", "--surrogate", "fit", "--trust", "[my_plugin]", "--architecture", "a.json"]
    assert "the surrogate's task" in refused(capsys, *words)
    for content, part in (
        ("[" * 100_000, "cannot be read"),
        (json.dumps(data | {"blocks": 5}), "must have blocks"),
        (json.dumps(data | {"blocks": [[{"op": "relu", "args": 5}]]}), "args a mapping"),
        (json.dumps(data | {"blocks": [[{"op": "conv", "ratio": 1e999}]]}), "finite"),
        (json.dumps(data | {"blocks": [[{"op": "..x"}]], "input": [1, 8, 8, 10]}), "an op must be"),
        ("{}", "must have blocks"),
        ("3", "an architecture"),
        ("{", "must be JSON"),
    ):
        (tmp_path / "a.json").write_text(content)
        assert part in refused(capsys, *words)


def test_a_failed_command_keeps_the_options_of_what_is_there(capsys, corpus_file, plugin, tmp_path):
    mine = plugin("return Prediction(np.zeros(len(queries)))")
    words = ["fit", "--corpus", str(corpus_file), "--surrogate", mine, "--out", "fit"]
    assert main(words) == 0
    before = (tmp_path / "fit" / "fit.yaml").read_text()
    assert "my_plugin.Mine" in before
    refused(capsys, *words[:2], "missing.jsonl", *words[3:])
    assert (tmp_path / "fit" / "fit.yaml").read_text() == before
    assert main(["fit", "--config", "fit/fit.yaml"]) == 0


@pytest.mark.parametrize("wrapped", [False, True])
def test_ctrl_c_gets_one_line_and_exit_status_1(capsys, corpus_file, plugin, wrapped):
    ctrl_c = "raise KeyboardInterrupt"
    body = f"try: {ctrl_c}\n        except KeyboardInterrupt: sys.exit(1)" if wrapped else ctrl_c
    mine = plugin(
        f"pass\n\nimport sys\nclass Stopped(Mine):\n    def fit(self, corpus):\n        {body}\n"
    )
    words = ["fit", "--corpus", str(corpus_file), "--out", "fit", "--surrogate"]
    assert main([*words, mine.replace("Mine", "Stopped")]) == 1
    assert capsys.readouterr().err == "stopped; run the same command again to go on\n"


def test_corpus_verbs(capsys, corpus_file, tmp_path):
    assert main(["corpus", "info", str(corpus_file)]) == 0
    said = capsys.readouterr().out
    assert "12 networks" in said
    assert "digits, 1x8x8, 10 classes" in said
    out = tmp_path / "joined.jsonl"
    assert main(["corpus", "merge", str(corpus_file), str(corpus_file), "--out", str(out)]) == 0
    assert Corpus.read(out) == Corpus.read(corpus_file)
    small_corpus(data="MNIST").write(tmp_path / "other.jsonl")
    words = ["corpus", "merge", corpus_file, tmp_path / "other.jsonl", "--out", out]
    assert "data differ" in refused(capsys, *words)
    assert ".jsonl" in refused(capsys, *words[:4], "--out", tmp_path / "joined.csv")
    assert Corpus.read(out) == Corpus.read(corpus_file)


def test_info_tells_the_noise_of_trainings(capsys, tmp_path):
    corpus = small_corpus()
    again = [
        replace(record, seed=100 + record.index, target=record.target + 0.01) for record in corpus
    ]
    Corpus(corpus.header, (*corpus, *again[3:9])).write(tmp_path / "a.jsonl")
    assert main(["corpus", "info", str(tmp_path / "a.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "12 networks and 6 further trainings of them" in said
    assert "noise    6 networks trained more than once: tau 1.000 between two trainings" in said
    assert "std 0.0071 between seeds; an oracle would reach a tau of " in said


def test_only_the_folder_itself_holds_the_surrogate(capsys, corpus_file, plugin, tmp_path):
    mine = plugin("return Prediction(np.zeros(len(queries)))")
    assert main(["fit", "--corpus", f"{corpus_file}", "--surrogate", mine, "--out", "fit"]) == 0
    words = ["propose", "--trust", "[my_plugin]", "--budget", "10", "--surrogate"]
    assert main([*words, "fit"]) == 0
    assert main([*words, "fit/surrogate"]) == 0
    assert "holds no surrogate" in refused(capsys, *words, "fit/nowhere")
    assert "another skeleton" in refused(
        capsys, *words, "fit", "--space", "search_spaces.CellSpace"
    )


def test_a_module_in_the_working_folder_does_not_replace_an_installed_package(tmp_path):
    (tmp_path / "surrogates").mkdir()
    (tmp_path / "surrogates" / "__init__.py").write_text("raise RuntimeError('hijacked')")
    words = ["compare", "--corpus", "missing.jsonl", "--train_size", "3"]
    words += ["--surrogates", "[surrogates.Constant]"]
    code = f"import sys; from experiments.cli import main; sys.exit(main({words!r}))"
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    # -P: as for the installed script, the working folder is not on the path by itself.
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert "missing.jsonl does not exist" in done.stderr, "the class was found, then the corpus not"


def test_passwords_are_not_kept(capsys, corpus_file, plugin, tmp_path):
    mine = plugin("return Prediction(np.zeros(len(queries)))")
    url = "postgresql://me:sEcReT@nowhere.invalid/db"
    assert main(["fit", "--corpus", f"{corpus_file}", "--surrogate", mine, "--out", "fit"]) == 0
    said = refused(capsys, "collect", "--storage", url, "--networks", "1", "--out", "run")
    assert "sEcReT" not in said
    assert all(b"sEcReT" not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_too_few_networks_to_fit(capsys, tmp_path):
    small_corpus(1).write(tmp_path / "one.jsonl")
    words = ["fit", "--corpus", tmp_path / "one.jsonl", "--surrogate", "surrogates.Constant"]
    assert "at least 2 finished networks" in refused(capsys, *words)


def test_the_parsers_messages_become_one_line():
    message = (
        'Parser key "max_macs":\n  Does not validate against any of the Union subtypes\n'
        "  Subtypes: [<class 'int'>, <class 'NoneType'>]\n  Errors:\n"
        "    - Expected a <class 'int'>\n"
        "    - Expected a <class 'NoneType'>\n  Given value type: <class 'str'>\n  Given value: x"
    )
    assert one_line(message) == "--max_macs: Expected a int, but got x"
