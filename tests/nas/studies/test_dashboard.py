"""What the dashboard shows of a study, written into it."""

import sys

import optuna_dashboard
import plotly.graph_objects as go
import pytest
import toys

from nas.core.errors import InvalidOption, InvalidStudy
from nas.studies import corpus_of, dashboard, find_study, opened
from nas.studies.dashboard import MARK, Dress, dress


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    storage = str(tmp_path_factory.mktemp("collected") / "study.db")
    toys.run(storage, networks=3)
    return storage


def written(storage):
    """Note, metric, tags, plots and trial notes of the study."""
    with opened(storage, create=False) as backend:
        study = find_study(backend, "toy").study
        told = backend.get_study_system_attrs(study._study_id)
        notes = {}
        for trial in study.get_trials():
            text = told.get(f"dashboard:{trial._trial_id}:note_str:0")
            if text:
                notes[trial.user_attrs["key"]] = text
        plots = {name.split(":")[2] for name in told if name.startswith("dashboard:plot_data")}
        return (
            optuna_dashboard.get_note(study),
            study.metric_names,
            study.user_attrs,
            plots,
            notes,
        )


def test_a_study_is_named_tagged_noted_and_plotted(collected):
    before = corpus_of(collected, "toy")
    best = max(before, key=lambda record: record.target).architecture.key
    what = Dress("# Mine", {"data": "toy"}, {best: "the best"}, {"nas-0": go.Figure()})
    for _ in range(2):  # a second time gives the same
        dress(collected, "toy", what)
        note, names, tags, plots, notes = written(collected)
        assert note == f"# Mine\n\n{MARK}"
        assert names == ["validation accuracy"]
        assert tags["data"] == "toy"
        assert plots == {"nas-0"}
        assert list(notes) == [best] and notes[best].startswith("the best")
    assert corpus_of(collected, "toy") == before
    assert toys.run(collected, networks=3) == before, "collecting goes on as if nothing was there"


def test_a_persons_own_note_is_kept(collected):
    dress(collected, "toy", Dress("first"))
    dress(collected, "toy", Dress("second"))
    assert written(collected)[0].startswith("second")
    with opened(collected, create=False) as backend:
        optuna_dashboard.save_note(find_study(backend, "toy").study, "my own")
    dress(collected, "toy", Dress("third"))
    assert written(collected)[0] == "my own"


def test_without_the_package_there_is_one_clear_line(collected, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    with pytest.raises(InvalidOption, match=r"peephole-nas\[dashboard\]"):
        dress(collected, "toy", Dress("x"))


def test_a_study_or_port_that_is_none_is_refused(collected):
    with pytest.raises(InvalidStudy, match="nowhere"):
        dress(collected, "nowhere", Dress("x"))
    with pytest.raises(InvalidOption, match="free to listen on"):
        dashboard.serve(collected, "127.0.0.1", 70_000, print)
