"""Speeds are measured on a copy."""

import pytest
import torch

from nas.training.transfer import TransferRecipe, speed
from tests.nas.training.transfer.toys import DATA, network


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_the_network_stays_as_it_is(monkeypatch, precision):
    monkeypatch.setattr(speed, "LEAST_SECONDS", 0.0)
    measured = network().eval()
    before = {name: value.clone() for name, value in measured.state_dict().items()}
    measured.requires_grad_(False)
    found = speed.measure(measured, DATA.input, TransferRecipe(precision=precision), batch=4)
    assert found.training > 0 and found.inference > 0
    assert not measured.training
    assert all(torch.equal(before[name], value) for name, value in measured.state_dict().items())
