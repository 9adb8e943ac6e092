"""Skeletons for blocks."""

from nas.core.architecture import Layer, Skeleton


def paper_skeleton() -> Skeleton:
    """The paper's Fig. 4: three stages of two blocks, widths 16, 32 and 64.

    A 3x3 convolution to 16 channels with batch normalisation and ReLU; between stages a 2x2
    max-pool of stride 2; at the end the average of what is left and a linear layer. CIFAR-10
    (32x32) and MNIST (28x28) are reduced twice, to 8x8 and 7x7, and digits (8x8) once, to 4x4.
    """
    return Skeleton(
        widths=(16, 32, 64),
        blocks=(2, 2, 2),
        stem=(Layer("conv", (3, 3), width=16), Layer("batch_norm"), Layer("relu")),
        reduction=(Layer("max_pool", (2, 2), stride=2),),
        head=(Layer("global_pool"), Layer("dense")),
    )
