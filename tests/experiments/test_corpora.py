"""The data sets and corpora of the project's own."""

import shlex
from configparser import ConfigParser
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import experiments.corpora
from experiments.cli import VERBS, command, main, parser_of
from experiments.collect import task_of
from experiments.corpora import FOLDER, HELD, corpus_file
from experiments.corpora.__main__ import corpus as make_corpus
from experiments.corpora.card import card, more
from experiments.corpora.images import shrunk, smaller, write_smaller
from experiments.folder import read_seen, read_task, surrogate_folder
from nas import Corpus, Query, Surrogate
from nas.core import metrics
from nas.core.errors import InvalidOption
from nas.core.interfaces import predict
from nas.core.limits import Limits
from nas.studies.take_in import matched
from nas.training import Recipe
from nas.training.data import DataSet, load_data
from search_spaces import BlockSpace
from tests.experiments.small import small_corpus


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    parts = [
        (rng.integers(256, size=(count, 4, 4, 3), dtype=np.uint8), np.arange(count) % 5)
        for count in (50, 30)
    ]
    return DataSet.of("small", parts[0], test=parts[1])


def test_a_smaller_set_has_as_many_images_of_each_class(data, tmp_path):
    arrays = smaller(data, size=2, train=20, val=10, test=5)
    np.savez(tmp_path / "small.npz", **arrays)
    made = load_data(f"npz:{tmp_path / 'small.npz'}")
    assert made.input == data.input._replace(height=2, width=2)
    for part, count in ((made.train, 4), (made.val, 2), (made.test, 1)):
        assert part.labels.bincount().tolist() == [count] * 5


def test_no_validation_image_is_trained_on(data):
    arrays = smaller(data, size=4, train=20, val=10, test=5)
    learnt, held_out = ({i.tobytes() for i in arrays[f"{p}_images"]} for p in ("train", "val"))
    assert len(learnt) == 20 and len(held_out) == 10 and not learnt & held_out


def test_a_file_that_cannot_be_written_is_told_in_one_line(data, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidOption, match="must be a file that can be written"):
        write_smaller(data, 2, 20, 10, 5, tmp_path / "file" / "small.npz")
    write_smaller(data, 2, 20, 10, 5, tmp_path / "new" / "small.npz")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["small.npz"]


def test_pixels_are_means():
    images = np.array([[[[0, 1, 10, 20], [2, 3, 30, 41]]]], np.uint8)
    with pytest.raises(InvalidOption, match="--size must divide 2 and 4, but got 3"):
        shrunk(images, 3)
    images = np.concatenate([images, images + 100], axis=2)
    assert shrunk(images, 2).tolist() == [[[2, 25], [102, 125]]]


@pytest.mark.parametrize("counts", [(7, 5, 5), (50, 5, 5), (5, 5, 100), (0, 5, 5)])
def test_more_than_there_is_is_refused(data, counts):
    with pytest.raises(InvalidOption, match="multiples of the 5 classes"):
        smaller(data, 4, *counts)


CONFIG = """# python -m experiments.corpora.images --data X
# Digits,
# made small.
data: digits
recipe: {epochs: 1, batch_size: 256}
max_macs: 200000
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of corpora that holds the way to one called tiny."""
    monkeypatch.chdir(tmp_path)
    held = tmp_path / "held"
    held.mkdir()
    (held / "tiny.yaml").write_text(CONFIG)
    for module in ("", ".__main__", ".card"):
        monkeypatch.setattr(import_module(f"experiments.corpora{module}"), "FOLDER", held)
    for names in ("NAMES", "HELD"):
        monkeypatch.setattr(experiments.corpora, names, ("tiny",))
    monkeypatch.setattr("experiments.corpora.__main__.NAMES", ("tiny",))
    return held


def test_a_card_tells_what_there_is_and_how_to_make_it(folder):
    found = small_corpus(12)
    again = [replace(record, seed=5, target=record.target + 0.01) for record in found[:3]]
    said = card("tiny", Corpus(found.header, (*found, *again)))
    assert said.startswith("# tiny\n\nDigits, made small.\n\nMade by:\n\n```\npython -m exper")
    assert "--name tiny --networks 12 --retrain 3\n```" in said
    assert "12 networks and 3 further trainings" in said and "15 complete" in said
    assert "noise**: not measured" not in said
    assert "validation accuracy" in said and "test accuracy" not in said
    assert "nas propose --surrogate tiny" in said
    assert (
        "nas collect --corpus tiny --data digits --recipe.epochs 1 --recipe.batch_size 256 "
        "--max_macs 200000 --networks 112 --out runs/tiny\n```"
    ) in said


def test_a_corpus_and_its_surrogate_are_called_by_name(folder, capsys):
    small_corpus(12).write(folder / "tiny.jsonl.gz")
    assert main(["fit", "--corpus=tiny", "--surrogate=surrogates.Constant", "--out=held/tiny"]) == 0
    assert main(["propose", "--surrogate=tiny", "--budget=20", "--top=2", "--out=mine"]) == 0
    asked = ["predict", "--surrogate=tiny", "--architecture=mine/proposals.json"]
    assert main(asked) == 0
    assert main(["corpus", "info", "tiny"]) == 0
    assert "12 networks" in capsys.readouterr().out
    assert main(["propose", "--surrogate=tiny", "--budget=20", "--top=2", "--out=tiny"]) == 0
    capsys.readouterr()  # what one has oneself comes first
    assert main(asked) == 2
    assert "tiny holds no surrogate" in capsys.readouterr().err


def test_a_name_that_is_none_is_refused_with_the_names_there_are(folder, capsys):
    assert command(make_corpus, ["--name=huge", "--networks=3"]) == 2
    assert "--name must be one of tiny, but got huge" in capsys.readouterr().err
    assert main(["predict", "--surrogate=huge", "--architecture=x.json"]) == 2
    capsys.readouterr()
    assert main(["corpus", "info", "huge"]) == 2
    said = capsys.readouterr().err
    assert said == "nas: error: a corpus must be a file, or one of tiny, but there is no huge\n"


@pytest.mark.slow
def test_a_corpus_is_made_and_grows(folder, monkeypatch, capsys):
    quick = folder / "quick.yaml"
    quick.write_text("surrogate: {class_path: surrogates.Peephole, init_args: {epochs: 2}}\n")
    monkeypatch.setattr("experiments.corpora.__main__.SURROGATE", quick)
    for networks in (6, 8):
        words = ["--name=tiny", f"--networks={networks}", "--retrain=2"]
        assert command(make_corpus, words) == 0, capsys.readouterr().err
        made = Corpus.read(folder / "tiny.jsonl.gz")
        assert len(made.distinct) == networks and len(made) == networks + 2
    kept = {path.relative_to(folder / "tiny").parts[0] for path in folder.glob("tiny/**/*")}
    assert kept == {"surrogate", "task.json"}
    assert "--networks 8 --retrain 2" in (folder / "tiny.md").read_text()
    assert main(["propose", "--surrogate=tiny", "--budget=20", "--out=mine"]) == 0


@pytest.mark.parametrize("name", HELD)
def test_what_the_project_holds_agrees_with_itself(name, tmp_path, monkeypatch, capsys):
    held = Corpus.read(FOLDER / f"{name}.jsonl.gz")
    assert len(held.distinct) >= 80 and len(held) > len(held.distinct)
    assert (FOLDER / f"{name}.md").read_text() == card(name, held)
    monkeypatch.chdir(tmp_path)
    assert main(["propose", f"--surrogate={name}", "--budget=20", "--top=2", "--out=mine"]) == 0
    said = capsys.readouterr().out
    assert "| architecture" in said
    trained = [record.architecture for record in held.finished.distinct][:20]
    fitted = surrogate_folder(Path(name))
    loaded = Surrogate.load(fitted.surrogate)
    assert len(loaded.scale_["knots"]) == len(held.averaged), "it was fitted to another corpus"
    predicted = predict(loaded, [Query(each) for each in trained]).mean
    assert metrics.kendall_tau(held.finished.distinct.targets[:20], predicted) > 0.5
    assert read_task(fitted).task == held.header.task
    largest = max(r.params for r in held.finished), max(r.macs for r in held.finished)
    assert read_seen(fitted) == Limits(*largest)


@pytest.mark.parametrize("name", HELD)
def test_the_command_on_a_card_goes_on_from_the_corpus(name):
    held = Corpus.read(FOLDER / f"{name}.jsonl.gz")
    _, verb, *words = shlex.split(more(name, len(held.distinct)))
    told = parser_of(verb, VERBS[verb]).parse_args(words)
    assert corpus_file(told.corpus) == FOLDER / f"{name}.jsonl.gz"
    limits, recipe = Limits(told.max_params, told.max_macs), Recipe(**vars(told.recipe))
    input = held.header.input
    task = task_of(BlockSpace(), told.data, recipe, told.seed, limits, "cpu", input)
    assert [record for _, record in matched(task, held)] == list(held)


def test_all_of_it_is_packed():
    packed = read_config()["options.package_data"]["experiments.corpora"].split()
    files = {path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file()}
    files = {path for path in files if path.suffix not in (".py", ".pyc")}
    assert files and all(any(path.match(each) for each in packed) for path in files)


def read_config():
    parsed = ConfigParser()
    parsed.read(FOLDER.parents[1] / "setup.cfg")
    return parsed
