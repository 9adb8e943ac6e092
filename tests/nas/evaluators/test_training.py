import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from nas import Architecture, Input, Layer, Record, Skeleton
from nas.core.errors import InvalidData, InvalidOption
from nas.evaluators import TrainingEvaluator
from nas.evaluators.training import _load, _read
from nas.training import Recipe

SIZE = Input(1, 4, 4, 2)
NETWORK = Architecture(
    (
        (
            Layer("conv", (3, 3), width=4),
            Layer("relu"),
            Layer("global_pool"),
            Layer("dense", width=2),
        ),
    ),
    Skeleton.plain(),
    SIZE,
)
PLACE = (Skeleton.plain(), SIZE)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "two.npz"
    labels = np.arange(80) % 2
    images = (100 * labels[:, None, None] + np.arange(16).reshape(4, 4)).astype(np.uint8)
    np.savez(path, train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    return f"npz:{path}"


@pytest.fixture
def evaluator(spec):
    return TrainingEvaluator(spec, Recipe(epochs=3, batch_size=8, lr=0.05), device="cpu")


def plain(record):
    """A record as JSON without the time it took."""
    data = record.to_json()
    assert data.pop("seconds") > 0
    return data


def test_a_record_holds_what_was_measured(evaluator):
    record = evaluator.evaluate(NETWORK, seed=3)
    assert isinstance(record, Record) and record.status == "complete"
    assert record.target == record.curve[-1] and len(record.curve) == len(record.train_loss) == 3
    assert (record.seed, record.params, record.macs) == (3, NETWORK.params, NETWORK.macs)
    assert record.test_accuracy is not None
    assert plain(evaluator.evaluate(NETWORK, seed=3)) == plain(record)
    assert plain(evaluator.evaluate(NETWORK, seed=4)) != plain(record)


def test_epochs_and_pruning(evaluator):
    assert len(evaluator.evaluate(NETWORK, epochs=1).curve) == 1
    record = evaluator.evaluate(NETWORK, on_epoch=lambda epoch, accuracy: epoch == 2)
    assert (record.status, len(record.curve), record.target) == ("pruned", 2, record.curve[1])


def test_a_network_out_of_time_has_no_target_where_no_epoch_ended(spec):
    brief = TrainingEvaluator(spec, Recipe(epochs=3, batch_size=8), "cpu", max_seconds=1e-9)
    record = brief.evaluate(NETWORK)
    assert (record.status, record.target, len(record.curve)) == ("timeout", None, 0)
    assert not record.finished and record.seconds > 0
    assert Record.from_json(record.to_json(), NETWORK.skeleton, SIZE) == record


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds):
    with pytest.raises(InvalidOption, match="max_seconds must be above 0"):
        TrainingEvaluator(max_seconds=seconds)


def test_no_two_trainings_share_a_checkpoint(evaluator, spec, tmp_path):
    other = TrainingEvaluator(spec, Recipe(epochs=4, batch_size=8, lr=0.05))
    third = TrainingEvaluator("digits", evaluator.recipe)
    for each in (evaluator, other, third):
        each.checkpoint_dir = tmp_path
    wide = Architecture(((Layer("conv", (3, 3), width=5), *NETWORK.blocks[0][1:]),), *PLACE)
    paths = {
        evaluator._checkpoint(NETWORK, None, 0),
        evaluator._checkpoint(NETWORK, None, 1),
        evaluator._checkpoint(NETWORK, 2, 0),
        evaluator._checkpoint(wide, None, 0),
        other._checkpoint(NETWORK, None, 0),
        third._checkpoint(NETWORK, None, 0),
    }
    assert len(paths) == 6 and {path.parent for path in paths} == {tmp_path}
    assert evaluator._checkpoint(NETWORK, None, 0) == evaluator._checkpoint(NETWORK, 3, 0)


def test_what_cannot_be_removed_is_told(evaluator, tmp_path, monkeypatch, caplog):
    evaluator.forget(NETWORK)
    evaluator.checkpoint_dir = tmp_path / "missing"
    evaluator.forget(NETWORK)
    assert not caplog.records

    def refuse(*args, **more):
        raise PermissionError("not yours")

    evaluator.checkpoint_dir = tmp_path
    evaluator._checkpoint(NETWORK, None, 0).touch()
    monkeypatch.setattr(Path, "unlink", refuse)
    evaluator.forget(NETWORK)
    assert "a checkpoint cannot be removed: not yours" in caplog.text


def test_a_diverged_training_is_a_result(spec):
    wild = TrainingEvaluator(spec, Recipe(batch_size=8, lr=1e30, schedule="constant"))
    record = wild.evaluate(NETWORK)
    assert record.status == "diverged" and record.finished and record.target == record.curve[-1]
    assert Record.from_json(record.to_json(), NETWORK.skeleton, SIZE).target == record.target


def test_a_crash_is_raised(evaluator, monkeypatch):
    def crash(*args, **kwargs):
        raise MemoryError("too big")

    monkeypatch.setattr("nas.training.trainer.build", crash)
    with pytest.raises(MemoryError, match="too big"):
        evaluator.evaluate(NETWORK)


def test_data_are_loaded_when_they_are_needed_and_once(evaluator, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "nas.training.data.load_data", lambda spec: calls.append(spec) or pytest.fail(spec)
    )
    TrainingEvaluator("npz:nowhere")
    assert not calls
    monkeypatch.undo()
    for cached in (_read, _load):
        cached.cache_clear()
    assert evaluator.input == SIZE == pickle.loads(pickle.dumps(evaluator)).input
    monkeypatch.setattr("nas.training.data.load_data", lambda spec: pytest.fail("loaded again"))
    evaluator.evaluate(NETWORK, epochs=1)


def test_other_images_have_another_fingerprint(evaluator, spec, tmp_path):
    path = Path(spec.partition(":")[2])
    images = dict(np.load(path))
    images["train_images"] = images["train_images"].copy()
    images["train_images"][0, 0, 0] ^= 1
    np.savez(tmp_path / "other.npz", **images)
    other = TrainingEvaluator(f"npz:{tmp_path / 'other.npz'}")
    found = evaluator.fingerprint()
    assert found == TrainingEvaluator(spec).fingerprint() != other.fingerprint()


def test_a_data_set_that_is_not_there():
    with pytest.raises(InvalidData, match="does not exist"):
        _ = TrainingEvaluator("npz:nowhere").input


def test_defaults():
    evaluator = TrainingEvaluator()
    assert (evaluator.data, evaluator.recipe, evaluator.device) == ("digits", Recipe(), "auto")


@pytest.mark.slow
def test_a_spawned_process_gives_the_same_record(evaluator):
    import torch

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, torch.set_num_threads, (1,)) as pool:
        record = pool.submit(evaluator.evaluate, NETWORK, epochs=1).result()
    assert plain(record) == plain(evaluator.evaluate(NETWORK, epochs=1))
