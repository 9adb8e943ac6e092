"""Initial weights."""

from __future__ import annotations

import torch
from torch import nn


def initialise(network: nn.Module, seed: int) -> None:
    """He initialisation (paper, section 4): the same seed gives the same weights on any device.

    Weights of convolutions and linear layers are normal with variance 2 / fan_in (He et al. 2015,
    equation 10), biases 0, batch normalisation 1 and 0. Other parameters, those of a user's own
    op, stay as its `build` left them. The global random numbers are not touched.

    Args:
        network: initialised in place; its parameters must lie on the CPU.
        seed: of the weights.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
