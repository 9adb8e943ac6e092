"""A data set and a network that are trained in an instant."""

import numpy as np

from nas import Architecture, Layer, Skeleton
from nas.networks import Classifier, build, initialise
from nas.training.data import DataSet
from nas.training.data.streaming import StreamedData, Tensors
from nas.training.transfer import Machines, TransferRecipe, train_long

BLOCK = (
    Layer("conv", (3, 3), width=8),
    Layer("batch_norm"),
    Layer("relu"),
    Layer("dropout"),
    Layer("global_pool"),
    Layer("dense", width=2),
)
PLAIN = tuple(layer for layer in BLOCK if layer.op not in ("batch_norm", "dropout"))
CUT = (  # two convolutions behind whose sum stands one of them alone: the other learns nothing
    Layer("conv", (3, 3), width=8),
    Layer("conv", (3, 3), width=8, inputs=(-2,)),
    Layer("zero"),
    Layer("add", inputs=(-1, -3)),
    Layer("global_pool"),
    Layer("dense", width=2),
)
RECIPE = TransferRecipe(epochs=3, batch_size=16, lr=0.1, min_area=0.5)
HERE = Machines(devices=1, loaders=0)


def dark_and_bright(train=70, val=20, test=21):
    """Two classes of 8x8 images: dark and bright ones."""
    rng = np.random.default_rng(0)

    def part(count):
        labels = rng.permutation(np.arange(count) % 2)
        images = rng.integers(0, 160, (count, 8, 8, 3)) + 90 * labels[:, None, None, None]
        return images.astype(np.uint8), labels

    found = DataSet.of("two", part(train), part(val), part(test))
    parts = (Tensors(found.train), Tensors(found.val), Tensors(found.test))
    about = (found.mean, found.std, found.digest)
    return StreamedData("two", found.input, ("dark", "bright"), *parts, *about)


DATA = dark_and_bright()


def network(block=BLOCK, seed=0):
    """A classifier of the toy data, with weights from a seed."""
    built = build(Architecture((block,), Skeleton.plain(), DATA.input))
    initialise(built, seed)
    return Classifier(built, DATA.mean, DATA.std, DATA.classes)


def train(folder, recipe=RECIPE, block=BLOCK, machines=HERE, **options):
    """A training of the toy network."""
    return train_long(network(block), DATA, recipe, folder, machines=machines, **options)
