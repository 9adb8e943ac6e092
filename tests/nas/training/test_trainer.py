"""Training one network: what comes out, when it stops, and that the seed decides everything."""

import math
import random
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from nas import Architecture, Input, Layer
from nas.core.errors import InvalidData, InvalidOption
from nas.training import Recipe, train
from nas.training.data import DataSet, load_data
from nas.training.module import WholeEpochs
from search_spaces import paper_skeleton
from tests.nas.training.small import BLOCK, CONV, RECIPE, network, outcome


def test_a_training_gives_curves_and_a_test_accuracy(data):
    result = train(network(), data, RECIPE)
    assert result.status == "complete"
    assert len(result.curve) == len(result.train_loss) == 3
    assert result.curve[-1] > 0.9 and result.test_accuracy > 0.9
    assert result.train_loss[-1] < result.train_loss[0] < 2
    assert 0 < result.seconds < 60


def test_accuracies_are_those_of_the_network(data):
    result = train(network(), data, RECIPE)
    module = result.network.eval()
    for (images, labels), accuracy in (
        (data.val, result.curve[-1]),
        (data.test, result.test_accuracy),
    ):
        with torch.no_grad():
            logits = module((images / 255 - data.mean[0]) / data.std[0])
        assert (logits.argmax(1) == labels).double().mean().item() == pytest.approx(accuracy)


def test_steps_are_those_of_plain_sgd(data):
    """Against a loop written down by hand, on the same batches, weights and rates."""
    from nas.networks import build, initialise
    from nas.training.data import Batches

    recipe = Recipe(epochs=2, batch_size=16, lr=0.05, step_every=1, weight_decay=0.01)
    layers = [CONV, *(layer for layer in BLOCK if layer.op != "dropout")]
    result = train(network(*layers), data, recipe, seed=5)
    weights, batches, _ = (int(s) for s in np.random.SeedSequence(5).generate_state(3))
    module = build(network(*layers))
    initialise(module, weights)
    optimizer = torch.optim.SGD(module.parameters(), 0.05, 0.9, weight_decay=0.01)
    order = Batches(data.train, 16, torch.Generator().manual_seed(batches))
    for epoch in range(2):
        losses = []
        optimizer.param_groups[0]["lr"] = 0.05 * 0.1**epoch
        for images, labels in order:
            logits = module((images / 255 - data.mean[0]) / data.std[0])
            loss = torch.nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert result.train_loss[epoch] == pytest.approx(np.mean(losses), rel=1e-4)
    for mine, other in zip(result.network.parameters(), module.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-5)


def test_the_seed_decides_bit_for_bit(data):
    first, second = (train(network(), data, RECIPE, seed=7) for _ in range(2))
    assert outcome(first) == outcome(second)
    pairs = zip(
        first.network.state_dict().values(), second.network.state_dict().values(), strict=True
    )
    assert all(torch.equal(mine, other) for mine, other in pairs)
    other = train(network(), data, RECIPE, seed=8)
    assert other.train_loss != first.train_loss


def test_the_global_random_numbers_neither_matter_nor_change(data):
    expected = outcome(train(network(), data, RECIPE))
    torch.manual_seed(123)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    assert outcome(train(network(), data, RECIPE)) == expected
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1:] == (random.getstate(), np.random.get_state()[1].tolist())


@pytest.mark.parametrize("schedule", ["step", "one_cycle"])
def test_fewer_epochs_give_the_beginning_of_the_same_curve(data, schedule):
    recipe = Recipe(epochs=4, batch_size=16, schedule=schedule, step_every=1)
    whole, half = train(network(), data, recipe), train(network(), data, recipe, epochs=2)
    assert half.curve == whole.curve[:2] and half.train_loss == whole.train_loss[:2]
    assert half.status == "complete" and half.test_accuracy is not None


def test_more_epochs_than_the_recipe_has(data):
    recipe = Recipe(epochs=1, batch_size=16, schedule="one_cycle")
    assert len(train(network(), data, recipe, epochs=3).curve) == 3


def test_a_loss_that_is_not_finite_ends_the_training(data):
    recipe = Recipe(epochs=5, batch_size=16, lr=1e30, schedule="constant")
    told = []
    result = train(
        network(CONV, Layer("relu"), CONV, Layer("dense", width=2)),
        data,
        recipe,
        on_epoch=lambda epoch, accuracy: told.append(epoch) or True,
    )
    assert result.status == "diverged"
    assert len(result.curve) == 1 and not math.isfinite(result.train_loss[0])
    assert 0 <= result.curve[0] <= 1 and result.test_accuracy is not None
    assert told == [1]


def test_on_epoch_stops_the_training(data):
    told = []

    def on_epoch(epoch, accuracy):
        told.append((epoch, accuracy))
        return epoch == 2

    result = train(network(), data, RECIPE, on_epoch=on_epoch)
    assert (result.status, result.test_accuracy) == ("pruned", None)
    assert told == [(1, result.curve[0]), (2, result.curve[1])]
    assert result.curve == train(network(), data, RECIPE).curve[:2]


def test_what_on_epoch_raises_comes_through(data):
    def on_epoch(epoch, accuracy):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        train(network(), data, RECIPE, on_epoch=on_epoch)


def test_a_data_set_without_test_images(data):
    rest = DataSet("two", data.input, data.train, data.val, None, data.mean, data.std)
    assert train(network(), rest, RECIPE, epochs=1).test_accuracy is None


def test_bf16_trains(data):
    recipe = Recipe(epochs=3, batch_size=16, precision="bf16")
    result = train(network(), data, recipe)
    assert result.curve[-1] > 0.9
    assert all(p.dtype == torch.float32 for p in result.network.parameters())


def test_label_smoothing_keeps_the_loss_up(data):
    smooth = Recipe(epochs=3, batch_size=16, label_smoothing=0.5)
    plain = Recipe(epochs=3, batch_size=16)
    assert (
        train(network(), data, smooth).train_loss[-1] > train(network(), data, plain).train_loss[-1]
    )


def test_nothing_is_told_or_left_behind(data, capfd, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    train(network(), data, RECIPE)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert not list(tmp_path.iterdir())
    assert handlers == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))


def test_ctrl_c_is_not_turned_into_an_exit(data):
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(network(), data, RECIPE, on_epoch=lambda *_: signal.raise_signal(signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_exit_stays_one(data):
    with pytest.raises(SystemExit, match="4"):
        train(network(), data, RECIPE, on_epoch=lambda *_: sys.exit(4))


def test_sigterm_is_left_to_whoever_handles_it(data):
    told = []
    before = signal.signal(signal.SIGTERM, lambda *_: told.append("SIGTERM"))
    try:
        result = train(
            network(), data, RECIPE, on_epoch=lambda *_: signal.raise_signal(signal.SIGTERM)
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["SIGTERM"] * 3 and result.status == "complete"


def test_a_thread_may_train(data):
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(train, network(), data, RECIPE).result()
    assert outcome(result) == outcome(train(network(), data, RECIPE))


def test_what_cannot_be_trained_is_refused_in_one_line(data):
    digits = Input(1, 8, 8, 10)
    with pytest.raises(InvalidData, match=r"\(1, 6, 5, 2\) in two, but is for \(1, 8, 8, 10\)"):
        train(network(size=digits), data, RECIPE)
    with pytest.raises(InvalidOption, match="epochs must be at least 1, but got 0"):
        train(network(), data, RECIPE, epochs=0)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_a_gpu_is_not_waited_for_within_an_epoch(data, monkeypatch):
    step = WholeEpochs._step

    def strict(*args):
        torch.cuda.set_sync_debug_mode("error")
        try:
            step(*args)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(WholeEpochs, "_step", strict)
    assert train(network(), data, RECIPE, device="cuda").status == "complete"


@pytest.mark.gpu
def test_a_gpu_trains_as_the_cpu_does(data):
    cpu, gpu = (train(network(), data, RECIPE, device=device) for device in ("cpu", "cuda"))
    assert gpu.train_loss[0] == pytest.approx(cpu.train_loss[0], rel=0.1)
    assert gpu.curve[-1] > 0.9


def test_digits_are_learnt_within_a_few_epochs():
    data = load_data("digits")
    block = (Layer("conv", (3, 3)), Layer("batch_norm"), Layer("relu"))
    result = train(Architecture((block,), paper_skeleton(), data.input), data, Recipe())
    assert len(result.curve) == 8
    assert result.curve[-1] > 0.9 and result.test_accuracy > 0.9
