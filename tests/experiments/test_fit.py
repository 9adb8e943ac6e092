"""`nas fit`, `nas predict` and `nas propose`: what a fitted surrogate is kept with, and asked."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.cli import main
from nas import Architecture, Corpus
from nas.core.choices import Draw
from tests.experiments.small import SPACE, refused, small_corpus


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


def test_too_few_networks_to_fit(capsys, tmp_path):
    small_corpus(1).write(tmp_path / "one.jsonl")
    words = ["fit", "--corpus", tmp_path / "one.jsonl", "--surrogate", "surrogates.Constant"]
    assert "at least 2 finished networks" in refused(capsys, *words)
