"""Long trainings: killed anywhere they end with the same weights, and the recipe's parts do."""

import math
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas.core.errors import DiskFull, InvalidData, InvalidOption
from nas.training.data.streamed_batches import Order, Share, StreamedBatches, Views
from nas.training.data.streaming import augmentation
from nas.training.transfer import Machines, Standing, trainer
from nas.training.transfer.checkpoints import Checkpoints, WholeFiles, read_state
from nas.training.transfer.module import TransferTraining
from tests.nas.training.transfer.toys import DATA, HERE, PLAIN, RECIPE, dark_and_bright, network
from tests.nas.training.transfer.toys import train as train_toy

EVERYTHING = replace(RECIPE, batch_size=16, accumulate=2, ema=0.9)


def same(mine, other):
    """Whether two trainings ended with the same weights, bit for bit."""
    pairs = zip(
        mine.classifier.state_dict().values(), other.classifier.state_dict().values(), strict=True
    )
    return all(torch.equal(*pair) for pair in pairs)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A training with everything, and the checkpoint behind each of its steps."""
    folder = tmp_path_factory.mktemp("undisturbed")
    written = []

    class Kept(WholeFiles):
        def save_checkpoint(self, checkpoint, path, storage_options=None):
            super().save_checkpoint(checkpoint, path)
            written.append(shutil.copy(path, folder / f"{len(written)}.ckpt"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "WholeFiles", Kept)
        often = replace(HERE, checkpoint_minutes=0)
        return train_toy(folder, EVERYTHING, machines=often), written


def test_a_training_resumed_at_any_step_ends_with_the_same_weights(undisturbed, tmp_path):
    """Dropout, augmentation, accumulated gradients, averaged weights, the rate, the order."""
    whole, written = undisturbed
    assert [read_state(path).step for path in written] == list(range(1, 13))
    for number, path in enumerate(written):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        shutil.copy(path, folder / "last.ckpt")
        loaders = 1 if number == 1 else 0
        found = train_toy(folder, EVERYTHING, machines=replace(HERE, loaders=loaders), resume=True)
        assert same(found, whole), number
        assert (found.history, found.tested) == (whole.history, whole.tested)


def test_the_seed_decides_everything(undisturbed, tmp_path):
    whole, _ = undisturbed
    made = network()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    assert same(trainer.train_long(made, DATA, EVERYTHING, tmp_path / "a", machines=HERE), whole)
    assert torch.equal(torch.get_rng_state(), state)
    assert not same(train_toy(tmp_path / "other", EVERYTHING, seed=1), whole)


def test_what_was_measured(undisturbed):
    whole, _ = undisturbed
    assert len(whole.history) == 3
    assert whole.history[-1].top1 > 0.9 and whole.tested.top1 > 0.9
    assert whole.tested.top5 == 1.0  # there are two classes
    assert not whole.classifier.training
    images, labels = DATA.test._images, torch.tensor(DATA.test.labels)
    with torch.no_grad():
        right = whole.classifier(images / 255).argmax(1) == labels
    assert right.double().mean().item() == whole.tested.top1


def by_hand(recipe, block=PLAIN):
    """Plain SGD on the same batches: the weights behind each step."""
    classifier = network(block).train()
    transform = augmentation(DATA, recipe.augment, recipe.min_area)
    order = Order(len(DATA.train), recipe.batch_size, 1, 0, Share())
    batches = StreamedBatches(Views(DATA.train, transform, 0), order, 0, pin=False)
    optimizer = torch.optim.SGD(
        classifier.parameters(), 1.0, recipe.momentum, weight_decay=recipe.weight_decay
    )
    steps, weights = len(batches), []
    for epoch in range(recipe.epochs):
        for number, (images, labels) in enumerate(batches):
            optimizer.param_groups[0]["lr"] = recipe.rate(epoch + number / steps)
            logits = classifier(images / 255)
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            weights.append([each.detach().clone() for each in classifier.parameters()])
    return weights


def close(found, weights):
    for mine, other in zip(found.classifier.parameters(), weights, strict=True):
        torch.testing.assert_close(mine.detach(), other, rtol=1e-4, atol=1e-6)


def test_steps_are_those_of_plain_sgd(tmp_path):
    recipe = replace(RECIPE, weight_decay=0.01, schedule="step", step_every=1)
    close(train_toy(tmp_path, recipe, block=PLAIN), by_hand(recipe)[-1])


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path):
    recipe = replace(RECIPE, batch_size=24)
    weights = by_hand(recipe)[-1]
    for accumulate in (2, 3):
        found = train_toy(tmp_path / f"{accumulate}", replace(recipe, accumulate=accumulate), PLAIN)
        close(found, weights)


def test_the_average_is_exponential(tmp_path):
    recipe = replace(RECIPE, ema=0.7)
    first, *others = by_hand(recipe)
    average = first
    for weights in others:
        average = [0.7 * mean + 0.3 * new for mean, new in zip(average, weights, strict=True)]
    close(train_toy(tmp_path, recipe, block=PLAIN), average)


def test_bf16_trains(tmp_path):
    found = train_toy(tmp_path, replace(RECIPE, precision="bf16"))
    assert found.tested.top1 > 0.9
    assert all(each.dtype == torch.float32 for each in found.classifier.parameters())


def test_the_logs_are_tensorboards(tmp_path, monkeypatch):
    monkeypatch.setattr("nas.training.transfer.module.LOG_EVERY", 2)
    found = train_toy(tmp_path)
    logs = EventAccumulator(str(tmp_path / "logs"))
    logs.Reload()
    assert set(logs.Tags()["scalars"]) == {
        *("step/train_loss", "step/rate"),
        *("epoch/train_loss", "epoch/top1", "epoch/top5"),
    }
    accuracies = [event.value for event in logs.Scalars("epoch/top1")]
    assert accuracies == pytest.approx([epoch.top1 for epoch in found.history])
    rates = {event.step: event.value for event in logs.Scalars("step/rate")}
    assert rates[6] == pytest.approx(RECIPE.rate(6 / 4))


def test_each_step_is_told(tmp_path):
    told = []
    train_toy(tmp_path, EVERYTHING, on_step=told.append)
    assert [standing.step for standing in told] == list(range(1, 13))
    assert {standing.steps for standing in told} == {12}
    assert [standing.epoch for standing in told] == [1] * 4 + [2] * 4 + [3] * 4
    assert told[0].top1 is None and told[-1].top1 is not None
    assert told[-1].eta == 0 < told[0].eta
    assert isinstance(told[0], Standing)


def test_what_a_caller_raises_comes_through_and_the_training_goes_on_later(undisturbed, tmp_path):
    def stop(standing):
        if standing.step == 6:
            raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_toy(tmp_path, EVERYTHING, on_step=stop)
    assert signal.getsignal(signal.SIGINT) is handler
    assert read_state(tmp_path / "last.ckpt").step == 4
    assert same(train_toy(tmp_path, EVERYTHING, resume=True), undisturbed[0])


def test_a_training_is_neither_overwritten_nor_mixed_with_another(tmp_path):
    short = replace(RECIPE, epochs=1)
    train_toy(tmp_path, short, task={"network": "a", "seed": 0})
    before = (tmp_path / "last.ckpt").read_bytes()
    for task, resume, part in (
        ({"network": "a", "seed": 0}, False, "holds a training of 4 steps; add --resume"),
        ({"network": "b", "seed": 1}, True, "network, seed differ: network was a and is b; take"),
    ):
        with pytest.raises(InvalidOption, match=part) as error:
            train_toy(tmp_path, short, task=task, resume=resume)
        assert "\n" not in str(error.value)
    assert (tmp_path / "last.ckpt").read_bytes() == before
    train_toy(tmp_path, short, task={"network": "a", "seed": 0}, resume=True)


def test_where_there_is_nothing_to_resume_a_training_begins(tmp_path):
    assert len(train_toy(tmp_path, replace(RECIPE, epochs=1), resume=True).history) == 1


def test_a_broken_checkpoint_is_refused_in_one_line(tmp_path):
    for content in (b"", b"no checkpoint"):
        (tmp_path / "last.ckpt").write_bytes(content)
        with pytest.raises(InvalidOption, match=r"last\.ckpt cannot be read: .*remove it") as error:
            train_toy(tmp_path, resume=True)
        assert "\n" not in str(error.value)
    torch.save({"epoch": 3}, tmp_path / "last.ckpt")
    with pytest.raises(InvalidOption, match=r"cannot be read"):
        train_toy(tmp_path, resume=True)


def test_a_divergence_is_told_and_not_kept(tmp_path):
    wild = replace(RECIPE, lr=1e30, schedule="constant", warmup=0.0)
    often = replace(HERE, checkpoint_minutes=0)
    with pytest.raises(
        InvalidOption, match=r"must not diverge, but its loss is (nan|inf)"
    ) as error:
        train_toy(tmp_path, wild, block=PLAIN, machines=often)
    assert "\n" not in str(error.value)
    state = read_state(tmp_path / "last.ckpt")
    assert state is None or state.step < 4


def test_a_full_disk_ends_a_training(tmp_path, monkeypatch):
    def full(*_):
        raise DiskFull("the disk must have room")

    monkeypatch.setattr("nas.training.transfer.checkpoints.write_bytes", full)
    with pytest.raises(DiskFull):
        train_toy(tmp_path)


@pytest.mark.parametrize(
    ("recipe", "data", "part"),
    [
        (replace(RECIPE, batch_size=80), DATA, r"as a step sees \(80\), but has 70"),
        (replace(RECIPE, batch_size=16, accumulate=16), DATA, r"accumulate \(32\), and leave"),
        (RECIPE, dark_and_bright(val=1), r"for each of 2 devices, but has 1"),
    ],
)
def test_batches_that_cannot_be_are_refused(tmp_path, recipe, data, part):
    with pytest.raises((InvalidOption, InvalidData), match=part):
        trainer.train_long(network(), data, recipe, tmp_path, machines=Machines(devices=2))
    assert not (tmp_path / "last.ckpt").exists()


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"devices": 0}, "devices must be at least 1, but got 0"),
        ({"nodes": 0}, "nodes must be at least 1"),
        ({"loaders": -1}, "loaders must be 0 or more"),
        ({"checkpoint_minutes": -1.0}, "checkpoint_minutes must be 0 or more"),
    ],
)
def test_machines_that_cannot_be_are_refused(settings, part):
    with pytest.raises(InvalidOption, match=part):
        Machines(**settings)


def test_a_strategy_that_is_none_is_refused_in_one_line(tmp_path):
    with pytest.raises(InvalidOption, match="such as Lightning finds here") as error:
        train_toy(tmp_path, machines=replace(HERE, strategy="magic"))
    assert "\n" not in str(error.value)


def test_tensorboard_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "find_spec", lambda name: None)
    with pytest.raises(InvalidOption, match=r"tensorboard .*pip install 'peephole-nas\[transfer"):
        train_toy(tmp_path)


def test_a_checkpoint_waits_for_its_time():
    class Elsewhere(Checkpoints):
        written = 0

        def _write(self, trainer):
            self.written += 1

    class Trainer:
        accumulate_grad_batches, num_training_batches = 2, 6
        strategy = type("Strategy", (), {"broadcast": staticmethod(lambda due: due)})

    module = TransferTraining(network(), RECIPE, 0, {})
    for minutes, expected in ((0.0, 2), (60.0, 0)):
        keeps = Elsewhere("nowhere", minutes)
        for batch in range(6):  # behind batches 2 and 4: whole steps, but for the epoch's last
            keeps.on_train_batch_end(Trainer(), module, None, None, batch)
        assert keeps.written == expected


def test_images_of_odd_numbers_train(tmp_path):
    data = dark_and_bright(train=33, val=3, test=1)
    found = trainer.train_long(network(), data, replace(RECIPE, epochs=1), tmp_path, machines=HERE)
    assert found.tested.top1 in (0.0, 1.0)
    assert math.isclose(found.history[0].top1 * 3, round(found.history[0].top1 * 3))


def test_nothing_is_told_and_handlers_stay(tmp_path, capfd, caplog):
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    train_toy(tmp_path, replace(RECIPE, epochs=1))
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert handlers == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path):
    """Their gradients are averaged, and together they judge every image once."""
    root = Path(__file__).parents[4]
    found = []
    for devices in (1, 2):
        folder = tmp_path / f"{devices}"
        words = ["-m", "tests.nas.training.transfer.together", str(folder), str(devices)]
        subprocess.run([sys.executable, *words], check=True, cwd=root)
        found.append(torch.load(folder / "found.pt", weights_only=False))
    (alone, weights), (together, others) = found
    assert alone == together
    for name in weights:
        torch.testing.assert_close(weights[name], others[name], rtol=1e-4, atol=1e-6)
    subprocess.run([sys.executable, *words], check=True, cwd=root)  # they go on together, too
    again = torch.load(folder / "found.pt", weights_only=False)[1]
    assert all(torch.equal(again[name], others[name]) for name in others)
