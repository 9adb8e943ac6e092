"""`nas dashboard` on a real port."""

import json
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from experiments.dashboard import blocks_of, dress_of
from experiments.folder import RunFolder, write_json
from nas import Corpus
from nas.core.errors import InvalidOption
from tests.experiments.report import material
from tests.experiments.small import refused
from tests.nas.studies import toys

PATIENCE = 300  # seconds: the machine may be busy


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    toys.run(str(folder.study), networks=3)
    return folder


def get(url):
    with urlopen(url, timeout=PATIENCE) as answer:
        assert answer.status == 200
        return answer.read()


@pytest.mark.slow
def test_it_answers_and_ends_quietly(folder):
    command = [sys.executable, "-m", "experiments.cli", "dashboard", str(folder.path), "--port=0"]
    served = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = served.stdout.readline().split(" at ")[1].split()[0]
        assert b"<html" in get(url).lower()
        (study,) = json.loads(get(f"{url}api/studies"))["study_summaries"]
        assert study["study_name"] == "toy"
        told = json.loads(get(f"{url}api/studies/{study['study_id']}?after=0"))
        assert len(told["trials"]) == 3
        assert told["note"]["body"].startswith("# toy: 3 networks on toy")
        assert told["objective_names"] == ["validation accuracy"]
        assert len(told["plotly_graph_objects"]) == 2
        served.send_signal(signal.SIGINT)
        assert served.wait(PATIENCE) == 0
        assert served.stderr.read() == ""
        assert served.stdout.read() == ""
    finally:
        served.kill()
        served.communicate()


def test_note_tags_and_plots_tell_what_the_corpus_holds(tmp_path):
    corpus, folder = material.corpus(), RunFolder(tmp_path)
    write_json(folder.predictions, {"Mine": [{"key": "a", "real": 0.5, "predicted": 0.4}]})
    told = dress_of("nas", corpus, folder)
    assert told.note.startswith("# nas: 25 networks of the toy space on toy")
    best = max(corpus.finished, key=lambda record: record.target)
    row = next(line for line in told.note.splitlines() if best.architecture.key in line)
    assert f"{best.target:.4f}" in row and blocks_of(best) in row
    assert told.tags == {"data": "toy, 3x8x8", "space": "toy space"}
    assert blocks_of(best) in told.trial_notes[best.architecture.key]
    assert [figure.layout.title.text for figure in told.figures.values()] == [
        "accuracy against MACs",
        "accuracy against parameters",
        "predicted against real by Mine",
    ]


@pytest.mark.parametrize("content", ["[]", "{", '{"Mine": [{"real": 0.5}]}'])
def test_broken_predictions_get_one_line(tmp_path, content):
    folder = RunFolder(tmp_path)
    folder.predictions.write_text(content)
    with pytest.raises(InvalidOption, match="predictions"):
        dress_of("nas", material.corpus(), folder)


def test_a_study_without_networks_has_a_note(tmp_path):
    corpus = Corpus(material.corpus().header)
    told = dress_of("nas", corpus, RunFolder(tmp_path))
    assert "0 networks" in told.note
    assert told.figures == {}


def test_a_folder_without_a_study_is_refused(tmp_path, capsys):
    assert "holds no study.db" in refused(capsys, "dashboard", tmp_path)
    assert "must exist" in refused(capsys, "dashboard", "sqlite:///nowhere.db")
