"""Trainings that are cut off and go on, from checkpoints that are good, broken or of others."""

import io
import pickle
from dataclasses import replace

import pytest
import torch

from nas import Layer
from nas.training import train
from nas.training.checkpoint import CheckpointFile, _sealed
from nas.training.module import SampledNetwork, WholeEpochs
from tests.nas.training.small import BLOCK, RECIPE, network, outcome

EPOCHS = 4
LONG = replace(RECIPE, epochs=EPOCHS, schedule="one_cycle")  # crops, flips, dropout, momentum


class CutOff(Exception):
    """In place of a kill -9."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """A checkpoint behind every epoch, however short."""
    monkeypatch.setattr("nas.training.checkpoint.SAVE_EVERY", 0.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "one.ckpt"


@pytest.fixture
def epochs(monkeypatch):
    """The epochs that were really trained."""
    real, seen = WholeEpochs.training_step, []

    def step(self, batch, batch_idx):
        seen.append(self.current_epoch + 1)
        real(self, batch, batch_idx)

    monkeypatch.setattr(WholeEpochs, "training_step", step)
    return seen


def weights(result):
    return list(result.network.state_dict().values())


def cut_off(data, path, after=2, recipe=LONG, **more):
    """A training that ends in the epoch behind so many; the last checkpoint is left."""

    def on_epoch(epoch, accuracy):
        if epoch > after:
            raise CutOff

    with pytest.raises(CutOff):
        train(network(), data, recipe, checkpoint=path, on_epoch=on_epoch, **more)


@pytest.mark.parametrize("after", [1, EPOCHS - 1])
def test_a_training_goes_on_as_if_nothing_had_happened(data, path, epochs, after):
    whole = train(network(), data, LONG, seed=3)
    epochs.clear()
    cut_off(data, path, after, seed=3)
    assert epochs == list(range(1, after + 2)) and path.is_file()
    epochs.clear()
    told = []
    again = train(
        network(),
        data,
        LONG,
        seed=3,
        checkpoint=path,
        on_epoch=lambda *each: bool(told.append(each)),
    )
    assert epochs == list(range(after + 1, EPOCHS + 1))
    assert outcome(again) == outcome(whole) and len(again.curve) == EPOCHS
    assert all(map(torch.equal, weights(again), weights(whole)))
    assert told == list(enumerate(whole.curve, start=1)), "of the epochs before, too"
    assert list(path.parent.iterdir()) == [path]


def test_it_may_be_cut_off_several_times(data, path, epochs):
    whole = train(network(), data, LONG)
    epochs.clear()
    for after in (1, 2, 3):
        cut_off(data, path, after)
    assert outcome(train(network(), data, LONG, checkpoint=path)) == outcome(whole)
    assert epochs == [1, 2, 2, 3, 3, 4, 4]


def test_what_is_cut_off_behind_its_last_epoch_trains_no_more(data, path, epochs, monkeypatch):
    whole = train(network(), data, LONG)

    def cut(self):
        raise CutOff

    with monkeypatch.context() as patch, pytest.raises(CutOff):
        patch.setattr(SampledNetwork, "on_test_epoch_end", cut)
        train(network(), data, LONG, checkpoint=path)
    epochs.clear()
    told = []
    again = train(
        network(), data, LONG, checkpoint=path, on_epoch=lambda *each: bool(told.append(each))
    )
    assert outcome(again) == outcome(whole) and epochs == []
    assert told == list(enumerate(whole.curve, start=1))


def test_it_can_be_stopped_at_an_epoch_of_the_checkpoint(data, path, epochs):
    whole = train(network(), data, LONG)
    cut_off(data, path, 3)
    epochs.clear()
    again = train(network(), data, LONG, checkpoint=path, on_epoch=lambda epoch, _: epoch == 2)
    assert (again.status, again.curve, again.train_loss) == (
        "pruned",
        whole.curve[:2],
        whole.train_loss[:2],
    )
    assert epochs == [] and again.test_accuracy is None


def test_a_diverged_epoch_is_no_place_to_go_on_from(data, path):
    wild = replace(LONG, lr=1e30, schedule="constant")
    layers = (BLOCK[0], Layer("relu"), BLOCK[0], Layer("dense", width=2))
    assert train(network(*layers), data, wild, checkpoint=path).status == "diverged"
    assert not path.exists()


def flipped(content):
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


class Bomb:
    """What is run by whoever unpickles it."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


def bomb(content):
    packed = io.BytesIO()
    torch.save({"training": Bomb()}, packed)
    return _sealed(packed.getvalue())


@pytest.mark.parametrize(
    "broken",
    [
        lambda content: b"",
        lambda content: content[:1000],
        lambda content: content[:-1],
        flipped,
        lambda content: content + b"more",
        lambda content: pickle.dumps(Bomb()),
        bomb,
        lambda content: _sealed(b"PK"),
    ],
    ids=["empty", "short", "cut off", "a bit", "long", "pickle", "bomb", "digest alone"],
)
def test_a_broken_file_is_not_used(data, path, epochs, caplog, broken):
    whole = train(network(), data, LONG)
    cut_off(data, path)
    path.write_bytes(broken(path.read_bytes()))
    epochs.clear()
    assert outcome(train(network(), data, LONG, checkpoint=path)) == outcome(whole)
    assert epochs == [1, 2, 3, 4]
    (record,) = caplog.records
    assert f"starts afresh, not from {path}: it cannot be read: " in record.getMessage()


def test_a_file_without_our_part_is_not_used(data, path, caplog):
    packed = io.BytesIO()
    torch.save({"state_dict": {}}, packed)
    path.parent.mkdir()
    path.write_bytes(_sealed(packed.getvalue()))
    assert CheckpointFile(path, {}).held is None and "cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("changes", "of"),
    [
        ({"architecture": network(BLOCK[0], *BLOCK[2:])}, "architecture"),
        ({"recipe": replace(LONG, lr=0.01)}, "recipe"),
        ({"seed": 1}, "seed"),
        ({"epochs": 3}, "epochs"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_the_file_of_another_training_is_not_used(data, path, epochs, caplog, changes, of):
    cut_off(data, path)
    mine = {"architecture": network(), "data": data, "recipe": LONG} | changes
    epochs.clear()
    assert outcome(train(**mine, checkpoint=path)) == outcome(train(**mine))
    assert epochs[0] == 1
    assert f"it is of another {of}" in caplog.text


def test_other_images_are_another_training(data, path, caplog):
    cut_off(data, path)
    labels = data.train.labels.clone()
    labels[0] = 1 - labels[0]
    other = replace(data, train=data.train._replace(labels=labels))
    assert other.digest != data.digest == replace(data).digest
    train(network(), other, LONG, epochs=1, checkpoint=path)
    assert "it is of another data and epochs" in caplog.text


def test_a_short_training_writes_nothing(data, path, monkeypatch):
    monkeypatch.undo()
    train(network(), data, LONG, checkpoint=path)
    assert not path.parent.exists()


def test_a_file_that_cannot_be_written_does_not_cost_the_training(data, tmp_path, caplog):
    (tmp_path / "file").touch()
    found = train(network(), data, LONG, checkpoint=tmp_path / "file" / "one.ckpt")
    assert found.curve == train(network(), data, LONG).curve
    assert "goes on without a new checkpoint" in caplog.text


@pytest.fixture
def clock(monkeypatch):
    """Time that goes on by one with each look at it: before each epoch, behind each step."""

    class Clock:
        now = 0.0

    def seconds(self):
        Clock.now += 1.0
        return Clock.now

    monkeypatch.setattr("nas.training.trainer._Clock.seconds", seconds)
    return Clock


EPOCH = 1 + 4  # looks at the clock: 65 images in batches of 16, the last one left out


def test_no_epoch_begins_when_the_time_is_up(data, epochs, clock):
    whole = train(network(), data, LONG)
    clock.now = 0.0
    epochs.clear()
    result = train(network(), data, LONG, max_seconds=2 * EPOCH)
    assert (result.status, result.test_accuracy) == ("timeout", None)
    assert (result.curve, result.train_loss) == (whole.curve[:2], whole.train_loss[:2])
    assert result.seconds > 2 * EPOCH


def test_an_epoch_that_takes_far_too_long_is_broken_off(data, epochs, clock):
    result = train(network(), data, LONG, max_seconds=(EPOCH - 1) / 2)
    assert (result.status, result.curve, result.train_loss) == ("timeout", (), ())
    clock.now = 0.0
    result = train(network(), data, LONG, max_seconds=EPOCH / 2)
    assert (result.status, len(result.curve)) == ("timeout", 1)


def test_the_last_epoch_may_end_late(data, clock):
    assert train(network(), data, LONG, max_seconds=3 * EPOCH + 2).status == "complete"


def test_the_seconds_before_are_added(data, path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("nas.training.trainer._Clock.seconds", lambda self: 1000.0)
        cut_off(data, path)
    result = train(network(), data, LONG, checkpoint=path, max_seconds=900.0)
    assert (result.status, len(result.curve)) == ("timeout", 2)
    assert 1000 < result.seconds < 1900
    result = train(network(), data, LONG, checkpoint=path, max_seconds=2000.0)
    assert (result.status, len(result.curve)) == ("complete", EPOCHS), "it is still there"


@pytest.mark.gpu
def test_a_gpu_goes_on_as_well(data, path):
    whole = train(network(), data, LONG, device="cuda")
    cut_off(data, path, device="cuda")
    again = train(network(), data, LONG, device="cuda", checkpoint=path)
    assert again.curve == whole.curve
    assert again.train_loss == pytest.approx(whole.train_loss, rel=1e-3)
