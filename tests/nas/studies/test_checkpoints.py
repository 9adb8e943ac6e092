"""Real trainings that die in the middle, as trials of a study."""

import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import mortals
import psutil
import pytest
import torch
import toys
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from nas import Corpus
from nas.evaluators import TrainingEvaluator
from nas.search.quiet import quiet
from nas.studies import Objective, SpaceSampler, collect, find_study, opened
from nas.studies.owners import Owner
from nas.studies.slots import failures, freed, slots_of
from nas.studies.task import make_study
from nas.studies.worker import work
from tests.nas.training.data.digits import few_digits


@pytest.fixture(autouse=True)
def one_thread():
    """As workers have."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "few.npz"
    few_digits(path)
    return f"npz:{path}"


@pytest.fixture
def mortal(data, tmp_path):
    (tmp_path / "notes").mkdir()
    return mortals.Mortal(data, tmp_path / "checkpoints", tmp_path / "notes")


SLOTS = slots_of(mortals.task(None), 1)


@pytest.fixture(scope="module")
def undisturbed(data):
    evaluator = TrainingEvaluator(data, mortals.RECIPE, "cpu")
    return evaluator.evaluate(SLOTS[0].architecture, None, SLOTS[0].seed)


def without_time(record):
    return replace(record, seconds=None, index=None)


@pytest.fixture
def study(storage, mortal):
    with quiet(), opened(storage) as backend:
        make_study(backend, "toy", mortals.task(mortal))
        yield find_study(backend, "toy")


def left(evaluator):
    return [path.name for path in evaluator.checkpoint_dir.iterdir()]


def die(study, evaluator, **more):
    """A worker's life until the middle of epoch 3."""
    with pytest.raises(mortals.CutOff):
        work(mortals.task(evaluator, **more), study, SLOTS, Owner.here())
    (trial,) = study.read()
    assert trial.state == TrialState.RUNNING and list(trial.intermediate_values) == [1, 2]
    study.interrupt(study.id_of(0))


class Watching(BasePruner):
    """Writes down the curves that it is asked about."""

    seen: tuple = ()

    def prune(self, study, trial):
        self.seen = (*self.seen, tuple(trial.intermediate_values.values()))
        return False


def test_the_next_worker_goes_on_behind_the_last_epoch(study, mortal, undisturbed):
    die(study, mortal)
    (name,) = left(mortal)
    key, seed, _ = name.split("-")
    assert (key, int(seed)) == (SLOTS[0].architecture.key, SLOTS[0].seed)
    pruner = Watching()
    work(mortals.task(mortal, pruner=pruner), study, SLOTS, Owner.here())
    (record,) = Corpus.from_study(study.study)
    assert without_time(record) == without_time(undisturbed)
    assert mortal.epochs() == [1, 2, 3, 3, 4]
    curve = tuple(undisturbed.curve)
    assert tuple(study.read()[1].intermediate_values.values()) == curve
    assert pruner.seen == tuple(curve[: epoch + 1] for epoch in range(4)), "the prefix as well"
    assert left(mortal) == []


def test_it_starts_afresh_without_a_folder(study, mortal, undisturbed):
    die(study, mortal)
    mortal.checkpoint_dir = None
    work(mortals.task(mortal), study, SLOTS, Owner.here())
    assert without_time(Corpus.from_study(study.study)[0]) == without_time(undisturbed)
    assert mortal.epochs() == [1, 2, 3, 1, 2, 3, 4]


def test_a_checkpoint_stays_until_the_record_is_stored(study, mortal, monkeypatch):
    def store(*args):
        assert len(left(mortal)) == 1
        raise mortals.CutOff

    monkeypatch.setattr("nas.studies.worker.store", store)
    (Path(mortal.notes) / "died").touch()
    with pytest.raises(mortals.CutOff):
        work(mortals.task(mortal), study, SLOTS, Owner.here())
    monkeypatch.undo()
    study.interrupt(study.id_of(0))
    work(mortals.task(mortal), study, SLOTS, Owner.here())
    assert mortal.epochs() == [1, 2, 3, 4], "none was trained twice"
    assert left(mortal) == []


def test_half_a_file_is_removed_with_the_whole_one(study, mortal):
    die(study, mortal)
    (name,) = left(mortal)
    (mortal.checkpoint_dir / f"{name}.123.tmp").write_bytes(b"half")
    (mortal.checkpoint_dir / "other.ckpt").touch()
    work(mortals.task(mortal), study, SLOTS, Owner.here())
    assert left(mortal) == ["other.ckpt"]


def test_a_network_out_of_time_goes_on_when_it_is_given_more(study, mortal, undisturbed):
    die(study, mortal)
    mortal.max_seconds = 1e-6  # it has taken longer than that before
    work(mortals.task(mortal), study, SLOTS, Owner.here())
    trial = study.read()[-1]
    assert (trial.state, trial.value) == (TrialState.PRUNED, undisturbed.curve[1])
    (record,) = Corpus.from_study(study.study)
    assert (record.status, record.target) == ("timeout", trial.value)
    assert record.curve == undisturbed.curve[:2] and record.test_accuracy is None
    assert not record.finished and len(left(mortal)) == 1
    work(mortals.task(mortal), study, SLOTS, Owner.here())
    assert len(study.read()) == 2, "it is not tried again by itself"
    mortal.max_seconds = None
    again = freed(SLOTS, failures(SLOTS, study.read()))
    work(mortals.task(mortal), study, again, Owner.here())
    (record,) = Corpus.from_study(study.study)
    assert without_time(record) == without_time(undisturbed)
    assert mortal.epochs() == [1, 2, 3, 3, 4] and left(mortal) == []


def test_a_study_may_be_gone_on_with_whatever_is_kept_and_allowed():
    task = mortals.task(TrainingEvaluator("digits", mortals.RECIPE, "cpu", "a", 1.0))
    other = mortals.task(TrainingEvaluator("digits", mortals.RECIPE, "cpu"))
    assert task.settings() == other.settings()


def test_a_folder_that_cannot_be_written_costs_no_training(study, mortal, tmp_path, caplog):
    (tmp_path / "file").touch()
    (Path(mortal.notes) / "died").touch()
    mortal.checkpoint_dir = tmp_path / "file"
    work(mortals.task(mortal), study, SLOTS, Owner.here())
    assert mortal.epochs() == [1, 2, 3, 4]
    assert study.read()[0].user_attrs["status"] == "complete"
    assert "goes on without a new checkpoint" in caplog.text


def test_an_objective_leaves_nothing_behind(mortal):
    import optuna

    (Path(mortal.notes) / "died").touch()
    with quiet():
        sampler = SpaceSampler(mortals.SPACE, limits=mortals.task(None).limits)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(Objective(mortals.SPACE, mortal), n_trials=1)
    assert mortal.epochs() == [1, 2, 3, 4] and left(mortal) == []


@pytest.mark.slow
def test_a_worker_that_is_killed_with_9_is_taken_over_by_another(storage, mortal, undisturbed):
    mortal.end = "kill"
    task = mortals.task(mortal)
    (record,) = collect(task, storage=storage, study="toy", networks=1)
    assert without_time(record) == without_time(undisturbed)
    assert mortal.epochs() == [1, 2, 3, 3, 4] and left(mortal) == []
    states = [t.state for t in toys.trials_of(storage)]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]


COMMAND = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[1])
    import mortals
    from nas.studies import collect
    if __name__ == "__main__":
        storage, data, out = sys.argv[2:]
        evaluator = mortals.Mortal(data, f"{out}/checkpoints", f"{out}/notes", "sleep")
        collect(mortals.task(evaluator), storage=storage, study="toy", networks=1)
    """
)


@pytest.mark.slow
def test_a_command_that_is_killed_with_9_is_taken_over_by_another(
    storage, data, mortal, undisturbed, tmp_path
):
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    words = [str(script), str(Path(__file__).parent), storage, data, str(tmp_path)]
    command = subprocess.Popen([sys.executable, *words])
    try:
        end = time.monotonic() + 120
        while not (Path(mortal.notes) / "died").exists():
            assert command.poll() is None and time.monotonic() < end
            time.sleep(0.2)
        children = psutil.Process(command.pid).children(recursive=True)
    finally:
        command.kill()
        command.wait()
    _, living = psutil.wait_procs(children, timeout=10)
    assert not living
    (record,) = collect(mortals.task(mortal), storage=storage, study="toy", networks=1)
    assert without_time(record) == without_time(undisturbed)
    assert mortal.epochs() == [1, 2, 3, 3, 4] and left(mortal) == []
