"""Long trainings: killed anywhere they end with the same weights, and the recipe's parts do."""

import math
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.core.saving import load_hparams_from_yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from nas.core.errors import DiskFull, InvalidData, InvalidOption, OutOfMemory
from nas.networks import Classifier
from nas.training.data.streamed_batches import Order, Share, StreamedBatches, Views
from nas.training.data.streaming import augmentation
from nas.training.transfer import Machines, Standing, trainer
from nas.training.transfer.agreement import Agreement
from nas.training.transfer.checkpoints import Checkpoints, WholeFiles, read_state
from nas.training.transfer.module import TransferTraining
from tests.nas.training.transfer.toys import (
    CUT,
    DATA,
    HERE,
    PLAIN,
    RECIPE,
    dark_and_bright,
    network,
)
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


def variance(classifier):
    """The running statistics of the toy network's batch normalisation."""
    (norm,) = (m for m in classifier.modules() if isinstance(m, torch.nn.BatchNorm2d))
    return norm.running_var.clone()


def test_the_average_is_also_of_the_statistics(tmp_path, monkeypatch):
    """Behind three steps with decay 0.5: a quarter of the first, a quarter, a half of the last."""
    made, seen = [], []

    class Kept(TransferTraining):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(trainer, "TransferTraining", Kept)
    recipe = replace(RECIPE, batch_size=64, ema=0.5)
    found = train_toy(tmp_path, recipe, on_step=lambda _: seen.append(variance(made[0].classifier)))
    expected = seen[0] / 4 + seen[1] / 4 + seen[2] / 2
    torch.testing.assert_close(variance(found.classifier), expected)
    assert not torch.allclose(expected, seen[2])


def interrupted(folder, recipe):
    """A training that was stopped behind step 6 and went on."""

    def stop(standing):
        if standing.step == 6:
            raise KeyboardInterrupt

    often = replace(HERE, checkpoint_minutes=0)
    with pytest.raises(KeyboardInterrupt):
        train_toy(folder, recipe, machines=often, on_step=stop)
    assert read_state(folder / "last.ckpt").step == 6
    return train_toy(folder, recipe, machines=often, resume=True)


def test_bf16_trains_and_goes_on(tmp_path):
    recipe = replace(EVERYTHING, precision="bf16")
    found = train_toy(tmp_path / "whole", recipe)
    assert found.tested.top1 > 0.9
    assert all(each.dtype == torch.float32 for each in found.classifier.parameters())
    assert same(interrupted(tmp_path / "cut", recipe), found)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32", "bf16", "16"])
def test_on_a_gpu_a_training_goes_on_where_it_was(tmp_path, precision):
    """Float16 keeps the scale of its loss in the checkpoint, too."""
    recipe = replace(EVERYTHING, precision=precision)
    whole, cut = train_toy(tmp_path / "whole", recipe), interrupted(tmp_path / "cut", recipe)
    assert whole.tested.top1 > 0.9
    assert len(whole.history) == len(cut.history) == 3
    pairs = zip(whole.classifier.parameters(), cut.classifier.parameters(), strict=True)
    for mine, other in pairs:
        torch.testing.assert_close(mine, other, rtol=1e-2, atol=1e-3)


def test_the_logs_are_tensorboards(tmp_path, monkeypatch):
    monkeypatch.setattr("nas.training.transfer.module.LOG_EVERY", 2)
    found = train_toy(tmp_path)
    logs = EventAccumulator(str(tmp_path / "logs"))
    logs.Reload()
    assert set(logs.Tags()["scalars"]) == {
        *("step/train_loss_so_far", "step/rate"),
        *("epoch/train_loss", "epoch/top1", "epoch/top5"),
    }
    accuracies = [event.value for event in logs.Scalars("epoch/top1")]
    assert accuracies == pytest.approx([epoch.top1 for epoch in found.history])
    rates = {event.step: event.value for event in logs.Scalars("step/rate")}
    assert rates[6] == pytest.approx(RECIPE.rate(6 / 4))
    settings = load_hparams_from_yaml(tmp_path / "logs" / "hparams.yaml")
    assert settings["lr"] == RECIPE.lr
    assert settings["augment"] == list(RECIPE.augment)


def test_the_logs_of_a_resumed_training_hold_each_epoch_once(tmp_path):
    recipe = replace(RECIPE, batch_size=64)  # a step an epoch: checkpoints behind epochs alone
    machines = replace(HERE, checkpoint_minutes=0)

    def stop(standing):
        if standing.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_toy(tmp_path, recipe, machines=machines, on_step=stop)
    found = train_toy(tmp_path, recipe, machines=machines, resume=True)
    logs = EventAccumulator(str(tmp_path / "logs"))
    logs.Reload()
    accuracies = {event.step: event.value for event in logs.Scalars("epoch/top1")}
    assert accuracies == pytest.approx({n + 1: each.top1 for n, each in enumerate(found.history)})


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
    handler = signal.getsignal(signal.SIGINT)
    assert same(interrupted(tmp_path, EVERYTHING), undisturbed[0])
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_training_is_neither_overwritten_nor_mixed_with_another(tmp_path):
    short = replace(RECIPE, epochs=1)
    train_toy(tmp_path, short, task={"network": "a", "seed": 0})
    before = (tmp_path / "last.ckpt").read_bytes()
    for task, resume, part in (
        ({"network": "a", "seed": 0}, False, "holds a training of 4 steps; add --resume"),
        ({"network": "b", "seed": 1}, True, "network was a and is b, and so with seed; give"),
    ):
        with pytest.raises(InvalidOption, match=part) as error:
            train_toy(tmp_path, short, task=task, resume=resume)
        assert "\n" not in str(error.value)
    assert (tmp_path / "last.ckpt").read_bytes() == before
    train_toy(tmp_path, short, task={"network": "a", "seed": 0}, resume=True)


def test_where_there_is_nothing_to_resume_a_training_begins(tmp_path):
    assert len(train_toy(tmp_path, replace(RECIPE, epochs=1), resume=True).history) == 1


def test_what_a_killed_training_left_half_written_is_removed(tmp_path):
    for name in ("last.ckpt.123.tmp", "mine.tmp"):
        (tmp_path / name).write_bytes(b"half")
    train_toy(tmp_path, replace(RECIPE, epochs=1))
    assert {path.name for path in tmp_path.iterdir()} == {"last.ckpt", "logs", "mine.tmp"}


def test_a_checkpoint_of_before_the_digest_goes_on(tmp_path):
    short = replace(RECIPE, epochs=1)
    train_toy(tmp_path, short, task={"network": "a"})
    train_toy(tmp_path, short, task={"network": "a", "digest": "b"}, resume=True)


def test_a_broken_checkpoint_is_refused_in_one_line(tmp_path):
    for content in (b"", b"no checkpoint", b"\x80\x02."):
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
        ({"strategy": "fsdp"}, "one of auto, ddp, ddp_find_unused_parameters_true, but got 'fsdp'"),
    ],
)
def test_machines_that_cannot_be_are_refused(settings, part):
    with pytest.raises(InvalidOption, match=part):
        Machines(**settings)


def test_devices_that_are_not_there_are_refused_in_one_line(tmp_path, monkeypatch):
    def none(**_):
        raise MisconfigurationException("there is\nno such device")

    monkeypatch.setattr(trainer.pl, "Trainer", none)
    with pytest.raises(InvalidOption, match="Lightning finds here, but: there is no such") as error:
        train_toy(tmp_path)
    assert "\n" not in str(error.value)


TORCHRUN = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "4", "RANK": "0", "LOCAL_RANK": "0"}
SLURM = {"SLURM_JOB_NAME": "job", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        (TORCHRUN, r"does not match the world size \(4\)"),
        (SLURM | {"SLURM_NTASKS_PER_NODE": "4"}, "Set `devices=4`"),
        (SLURM, "Use `--ntasks-per-node=4` instead"),
    ],
)
@pytest.mark.parametrize("devices", [1, 2])
def test_other_processes_than_were_started_are_refused(
    tmp_path, monkeypatch, variables, part, devices
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidOption, match=part) as error:
        train_toy(tmp_path, machines=replace(HERE, devices=devices))
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_slurm_writes_no_checkpoints_of_its_own(monkeypatch):
    for name, value in (SLURM | {"SLURM_NTASKS_PER_NODE": "4"}).items():
        monkeypatch.setenv(name, value)
    assert not Machines(devices=4).environment().auto_requeue


def test_float16_needs_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidOption, match="precision 16 must have a CUDA device"):
        train_toy(tmp_path, replace(RECIPE, precision="16"))


def test_a_gpu_without_room_is_told_in_one_line(tmp_path):
    def full(_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    with pytest.raises(OutOfMemory, match=r"memory\.; lower --recipe\.batch_size, or") as error:
        train_toy(tmp_path, on_step=full)
    assert "\n" not in str(error.value)


def test_whether_a_gradient_reaches_every_parameter():
    class Looks(torch.nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) * images.sum().item()

    both = Machines(devices=2)
    for made, strategy in (
        (network(), "ddp"),
        (network(CUT), "ddp_find_unused_parameters_true"),
        (Classifier(Looks(), DATA.mean, DATA.std, "ab"), "ddp_find_unused_parameters_true"),
    ):
        before = {name: value.clone() for name, value in made.state_dict().items()}
        assert both.strategy_for(made, DATA.input) == strategy
        assert HERE.strategy_for(made, DATA.input) == "auto"
        assert all(torch.equal(before[name], value) for name, value in made.state_dict().items())
    assert Machines(devices=2, strategy="ddp").strategy_for(network(CUT), DATA.input) == "ddp"


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
        current_epoch, max_epochs = 0, 2

    for minutes, loss, expected in (
        (0.0, 1.0, (2, 1, 1)),
        (60.0, 1.0, (0, 0, 1)),
        (0.0, math.nan, (0, 1, 1)),  # a diverged state is not kept; validation ends it anyway
    ):
        keeps, told = Elsewhere("nowhere", minutes, Agreement()), Trainer()
        module = TransferTraining(network(), RECIPE, 0, {})
        module.loss_sum += loss
        for batch in range(6):  # behind batches 2 and 4: whole steps, but for the epoch's last
            keeps.on_train_batch_end(told, module, None, None, batch)
        counts = [keeps.written]
        for told.current_epoch in range(2):
            keeps.on_train_epoch_end(told, module)
            counts.append(keeps.written)
        assert tuple(np.diff(counts, prepend=0)) == expected


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


def together(folder, devices, mode=()):
    """What so many processes gave, and what they said."""
    words = ["-m", "tests.nas.training.transfer.together", str(folder), str(devices), *mode]
    done = subprocess.run(
        [sys.executable, *words], cwd=Path(__file__).parents[4], capture_output=True, text=True
    )
    found = folder / "found.pt"
    return torch.load(found, weights_only=False) if found.exists() else None, done


@pytest.mark.slow
@pytest.mark.parametrize("mode", [(), ("cut",)])
def test_two_processes_train_what_one_does(tmp_path, mode):
    """Their gradients are averaged, and together they judge every image once."""
    (alone, _), (both, done) = (together(tmp_path / f"{n}", n, mode) for n in (1, 2))
    assert done.returncode == 0, done.stderr
    (history, tested, weights), (others_history, others_tested, others) = alone, both
    assert tested == others_tested
    for mine, other in zip(history, others_history, strict=True):
        assert mine == pytest.approx(other, rel=1e-5)
    for name in weights:
        torch.testing.assert_close(weights[name], others[name], rtol=1e-4, atol=1e-6)
    again, _ = together(tmp_path / "2", 2, mode)  # they go on together, too
    assert again[:2] == both[:2]
    assert all(torch.equal(again[2][name], others[name]) for name in others)


@pytest.mark.slow
def test_what_two_processes_measured_in_a_part_of_an_epoch_is_kept(tmp_path):
    """The second process was killed: the first one ends by itself, and they go on exactly."""
    whole, _ = together(tmp_path / "whole", 2)
    nothing, done = together(tmp_path / "cut", 2, ["lost"])
    assert nothing is None and done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("ProcessLost: ")
    assert read_state(tmp_path / "cut" / "last.ckpt").step == 2
    found, _ = together(tmp_path / "cut", 2)
    assert found[1] == whole[1]
    for mine, other in zip(found[0], whole[0], strict=True):
        assert mine == pytest.approx(other, rel=1e-5)
