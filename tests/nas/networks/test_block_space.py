"""Networks of the paper's space: what is computed on paper is what torch builds."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from nas import Input
from nas.core.choices import Draw
from nas.networks import build
from search_spaces import BlockSpace

INPUTS = (Input(1, 8, 8, 10), Input(1, 28, 28, 10), Input(3, 32, 32, 100))


class Flops(TorchDispatchMode):
    """Counts by torch's own formulas, as FlopCounterMode does, in a tenth of its time."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if count := flop_registry.get(func.overloadpacket):
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def check(architecture):
    network = build(architecture)
    assert sum(parameter.numel() for parameter in network.parameters()) == architecture.params
    size = architecture.input
    with Flops() as flops:
        logits = network(torch.rand(2, *size[:3]))
    assert flops.total == 2 * 2 * architecture.macs
    assert logits.shape == (2, size.classes)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def check_many(size, designs, count):
    space, rng = BlockSpace(designs=designs).on(size), np.random.default_rng(0)
    for _ in range(count):
        check(space.generate(Draw(rng)))


@pytest.mark.parametrize("size", INPUTS, ids=str)
@pytest.mark.slow
def test_random_networks_cost_what_is_computed(size):
    check_many(size, "one", 40)


@pytest.mark.slow
@pytest.mark.parametrize("designs", ["one", "per_stage"])
@pytest.mark.parametrize("size", INPUTS, ids=str)
def test_many_random_networks_cost_what_is_computed(size, designs):
    check_many(size, designs, 500)


@pytest.mark.parametrize("size", INPUTS, ids=str)
def test_macs_are_those_of_the_flop_counter(size):
    architecture = BlockSpace().on(size).generate(Draw(np.random.default_rng(1)))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        build(architecture).eval()(torch.rand(1, *size[:3]))
    assert counter.get_total_flops() == 2 * architecture.macs
