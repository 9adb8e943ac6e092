"""The sampler against Gaussians whose moments are known."""

import pytest
import torch

from surrogates.bnn.sghmc import Schedule, sample


def draws_of(gradient, start, lr=0.1, seed=0):
    schedule = Schedule(lr=lr, burn_in=500, steps=3000, keep_every=25)
    kept = sample(gradient, start, schedule, torch.Generator().manual_seed(seed))
    assert kept.shape == (100, *start.shape)
    return kept.flatten(0, 1)


def test_a_gaussian_has_its_moments():
    """Four coordinates of very different scales, from exact gradients."""
    mean = torch.tensor([0.0, 3.0, -50.0, 0.002])
    deviation = torch.tensor([1.0, 0.5, 20.0, 0.001])
    # Off its mean the fourth one sees from the first gradient how narrow it is.
    start = (mean + deviation * torch.tensor([0.0, 0.0, 0.0, 2.0])).repeat(64, 1)
    draws = draws_of(lambda x: (x - mean) / deviation**2, start, lr=0.02)
    white = (draws - mean) / deviation
    assert white.mean(0).abs().max() < 0.15
    # The fourth one's gradients are so large that its step is cut.
    assert white.std(0) == pytest.approx([1.0] * 4, abs=0.15)


def test_a_correlated_gaussian_from_noisy_gradients():
    mean, covariance = torch.tensor([1.0, -2.0]), torch.tensor([[1.0, 0.8], [0.8, 2.0]])
    precision, noise = torch.linalg.inv(covariance), torch.Generator().manual_seed(1)

    def gradient(x):
        return (x - mean) @ precision + torch.empty_like(x).normal_(generator=noise)

    draws = draws_of(gradient, torch.zeros(64, 2))
    assert draws.mean(0).tolist() == pytest.approx(mean.tolist(), abs=0.15)
    assert torch.cov(draws.T).flatten().tolist() == pytest.approx(
        covariance.flatten().tolist(), abs=0.25
    )


def test_chains_start_where_they_are_told_and_leave_the_start_alone():
    start = torch.full((2, 3), 5.0)
    schedule = Schedule(lr=1e-3, burn_in=1, steps=2, keep_every=1)
    (kept,) = sample(lambda x: x, start, schedule, torch.Generator().manual_seed(0))
    assert (kept - 5).abs().max() < 0.1
    assert (start == 5).all()


def test_a_seed_gives_one_chain():
    start = torch.zeros(2)
    schedule = Schedule(burn_in=5, steps=10, keep_every=5)
    first, second, other = (
        sample(lambda x: x - 1, start, schedule, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
