"""Skeletons for blocks."""

from nas.core.architecture import Layer, Skeleton

_HALVED = (Layer("max_pool", (2, 2), stride=2),)
_AVERAGED = (Layer("global_pool"), Layer("dense"))


def paper_skeleton() -> Skeleton:
    """The paper's Fig. 4: three stages of two blocks, widths 16, 32 and 64.

    A 3x3 convolution to 16 channels with batch normalisation and ReLU; between stages a 2x2
    max-pool of stride 2; at the end the average of what is left and a linear layer. CIFAR-10
    (32x32) and MNIST (28x28) are reduced twice, to 8x8 and 7x7, and digits (8x8) once, to 4x4.
    """
    return Skeleton(
        widths=(16, 32, 64),
        blocks=(2, 2, 2),
        stem=_stem(16),
        reduction=_HALVED,
        head=_AVERAGED,
    )


def vgg_skeleton() -> Skeleton:
    """VGG's five stages of two blocks for ImageNet: widths 64, 128, 256, 512 and 512.

    The stem keeps the resolution, as in VGG; 224x224 is reduced to 14x14, 32x32 to 4x4.
    """
    return _five_stages(stride=1)


def light_skeleton() -> Skeleton:
    """`vgg_skeleton` with a stem of stride 2: a quarter of its MACs; 224x224 ends as 7x7."""
    return _five_stages(stride=2)


def _five_stages(stride: int) -> Skeleton:
    return Skeleton(
        widths=(64, 128, 256, 512, 512),
        blocks=(2, 2, 2, 2, 2),
        stem=_stem(64, stride),
        reduction=_HALVED,
        head=_AVERAGED,
    )


def _stem(width: int, stride: int = 1) -> tuple[Layer, ...]:
    conv = Layer("conv", (3, 3), width=width, stride=stride)
    return (conv, Layer("batch_norm"), Layer("relu"))
