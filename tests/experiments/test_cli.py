"""The command line: help, options, and one clear line for every bad input."""

import inspect
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
from nas import Corpus
from tests.experiments.small import refused, small_corpus


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


def test_the_parsers_messages_become_one_line():
    message = (
        'Parser key "max_macs":\n  Does not validate against any of the Union subtypes\n'
        "  Subtypes: [<class 'int'>, <class 'NoneType'>]\n  Errors:\n"
        "    - Expected a <class 'int'>\n"
        "    - Expected a <class 'NoneType'>\n  Given value type: <class 'str'>\n  Given value: x"
    )
    assert one_line(message) == "--max_macs: Expected a int, but got x"
