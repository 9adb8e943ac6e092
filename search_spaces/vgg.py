"""VGG-13 with batch normalisation (Simonyan, Zisserman 2015), the network that the paper beats.

torchvision's has the same layers and the same 133,053,736 parameters on ImageNet; this one can be
scaled, and takes small images without padding them out to 7x7 first.
"""

from __future__ import annotations

from nas.core.architecture import Architecture, Input, Layer, Skeleton

WIDTHS = (64, 128, 256, 512, 512)
HIDDEN = 4096

_POOL = Layer("max_pool", (2, 2), stride=2)
_SKELETON = Skeleton(
    widths=WIDTHS,
    blocks=(2,) * len(WIDTHS),
    reduction=(_POOL,),
    head=(
        _POOL,
        Layer("dense", width=HIDDEN),
        Layer("relu"),
        Layer("dropout"),
        Layer("dense", width=HIDDEN),
        Layer("relu"),
        Layer("dropout"),
        Layer("dense"),
    ),
    reduce_above=1,
)


def vgg13_bn(size: Input) -> Architecture:
    """VGG-13-BN for an input: two convolutions a stage, a pool behind each, three dense layers."""
    blocks = tuple(
        (Layer("conv", (3, 3), width=width), Layer("batch_norm"), Layer("relu")) for width in WIDTHS
    )
    return Architecture(blocks, _SKELETON, size)
