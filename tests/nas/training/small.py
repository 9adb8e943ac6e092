"""A network of a few layers for images of two classes, and what to compare trainings by."""

from nas import Architecture, Input, Layer, Skeleton
from nas.training import Recipe

SIZE = Input(1, 6, 5, 2)
CONV = Layer("conv", (3, 3), width=8)
BLOCK = (
    CONV,
    Layer("batch_norm"),
    Layer("relu"),
    Layer("dropout"),
    Layer("global_pool"),
    Layer("dense", width=2),
)
RECIPE = Recipe(epochs=3, batch_size=16, lr=0.1, schedule="constant", augment=("crop", "flip"))


def network(*layers, size=SIZE):
    return Architecture((layers or BLOCK,), Skeleton.plain(), size)


def outcome(result):
    return result.curve, result.train_loss, result.test_accuracy, result.status
