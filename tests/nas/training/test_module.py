"""The Lightning module in anybody's own Trainer."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from nas.training import Recipe, SampledNetwork
from nas.training.module import WholeEpochs

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.`"),
]


def module(kind=SampledNetwork):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    recipe = Recipe(epochs=4, batch_size=8, schedule="one_cycle")
    return kind(network, recipe, (0.5, 0.4, 0.3), (0.2, 0.3, 0.1))


def loader():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (32, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return DataLoader(TensorDataset(images, (images[:, 0, 0, 0] > 127).long()), 8)


def trainer(epochs, **more):
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return pl.Trainer(max_epochs=epochs, accelerator="cpu", **quiet, **more)


def test_images_are_normalised():
    seen = []
    wrapped = module()
    wrapped.network.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    wrapped(torch.full((1, 3, 4, 4), 255, dtype=torch.uint8))
    torch.testing.assert_close(seen[0][0, :, 1, 2], torch.tensor([2.5, 2.0, 7.0]))


@pytest.mark.parametrize("at_train_end", [True, False])
def test_a_checkpoint_goes_on_where_it_stopped(tmp_path, at_train_end):
    def keep():
        return ModelCheckpoint(
            tmp_path, "{epoch}", save_top_k=-1, save_on_train_epoch_end=at_train_end
        )

    whole, again = module(), module()
    trainer(4, callbacks=[keep()]).fit(whole, loader(), loader())
    assert len(whole.curve) == len(whole.train_loss) == 4
    checkpoint = tmp_path / "epoch=1.ckpt"
    trainer(4, callbacks=[keep()]).fit(again, loader(), loader(), ckpt_path=checkpoint)
    assert again.curve == whole.curve and again.train_loss == whole.train_loss
    assert torch.equal(again.network[1].weight, whole.network[1].weight)


def test_accuracies_are_logged_for_callbacks():
    mine, runner = module(), trainer(1, enable_checkpointing=False)
    runner.fit(mine, loader(), loader())
    assert runner.callback_metrics["val_accuracy"].item() == pytest.approx(mine.curve[-1])
    runner.test(mine, loader(), verbose=False)
    assert mine.test_accuracy == mine.curve[-1]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_whole_epochs_are_the_same_steps(precision):
    def fitted(kind, batches):
        mine = module(kind)
        trainer(3, enable_checkpointing=False, precision=precision).fit(mine, batches, loader())
        return mine

    each, whole = fitted(SampledNetwork, loader()), fitted(WholeEpochs, Wholes())
    assert whole.curve == each.curve and whole.train_loss == each.train_loss
    assert torch.equal(whole.network[1].weight, each.network[1].weight)


class Wholes:
    """One epoch as one batch."""

    def __len__(self):
        return 1

    def __iter__(self):
        yield loader()
