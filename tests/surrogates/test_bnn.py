from dataclasses import replace

import numpy as np
import pytest
import torch

from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Query, predict
from nas.core.records import LearningCurve
from nas.testing import toy_corpus
from surrogates import BNN
from surrogates.bnn.conditioning import condition, residual_covariance
from surrogates.bnn.network import BASIS, SHAPES, LCNet, basis, curve
from surrogates.bnn.posterior import Posterior, seen_by

QUICK = {"hidden": 16, "chains": 2, "burn_in": 300, "steps": 600, "keep_every": 30}
EPOCHS = 8


def curve_of(rate, rng):
    """A curve whose end the hyperparameter tells, but for an error that all epochs share."""
    end = 0.3 + 0.5 * rate + rng.normal(0, 0.05)
    values = end * (1 - np.exp(-np.arange(1, EPOCHS + 1) / 2)) + rng.normal(0, 0.002, EPOCHS)
    return LearningCurve(tuple(np.clip(values, 0, 1)))


@pytest.fixture(scope="module")
def corpora():
    rng = np.random.default_rng(0)
    corpus = toy_corpus(90)
    records = []
    for record in corpus:
        rate = float(rng.uniform())
        made = curve_of(rate, rng)
        records.append(
            replace(
                record, target=made[-1], curve=made, hyperparameters={"r": rate}, status="complete"
            )
        )
    return Corpus(corpus.header, tuple(records)).split(60)


@pytest.fixture(scope="module")
def fitted(corpora):
    return BNN(hyperparameters=["r"], architecture=False, **QUICK).fit(corpora[0])


def ask(model, corpus, k=0, epoch=None):
    return predict(
        model,
        [Query(r.architecture, epoch, r.curve.values[:k], r.hyperparameters) for r in corpus],
    )


def rmse(said, truth):
    return float(np.sqrt(np.mean((said.mean - truth) ** 2)))


def test_unseen_curves_are_predicted_with_their_error(corpora, fitted):
    test = corpora[1]
    said = ask(fitted, test)
    assert rmse(said, test.targets) < 0.5 * test.targets.std()
    assert 0.03 < said.std.mean() < 0.1
    errors = np.abs(said.mean - test.targets) / said.std
    assert 0.25 < np.mean(errors < 0.674) < 0.75
    assert np.mean(errors < 1.645) > 0.75


def test_any_epoch_can_be_asked_about(corpora, fitted):
    test = corpora[1]
    for epoch in (1, 4, EPOCHS):
        truth = np.array([r.curve[epoch - 1] for r in test])
        assert rmse(ask(fitted, test, epoch=epoch), truth) < 0.08


def test_a_prefix_makes_it_better_and_surer(corpora, fitted):
    test = corpora[1]
    unseen, seen = ask(fitted, test), ask(fitted, test, k=4)
    assert rmse(seen, test.targets) < 0.5 * rmse(unseen, test.targets)
    assert (seen.std < unseen.std).all()


def test_what_was_observed_is_known(corpora, fitted):
    test = corpora[1]
    said = ask(fitted, test, k=4, epoch=2)
    assert said.mean == pytest.approx([r.curve[1] for r in test], abs=1e-6)
    assert said.std.max() < 1e-4


def test_a_target_beyond_the_last_epoch_is_learnt(corpora):
    train, test = (
        Corpus(c.header, tuple(replace(r, target=r.target + 0.1) for r in c)) for c in corpora
    )
    model = BNN(hyperparameters=["r"], architecture=False, **QUICK).fit(train)
    assert rmse(ask(model, test, k=EPOCHS), test.targets) < 0.02


@pytest.mark.parametrize(
    "settings",
    [{"hidden": 0}, {"lr": 0.0}, {"evidence": -1.0}, {"momentum_decay": 2.0}, {"burn_in": 4000}],
)
def test_bad_settings_are_refused(corpora, settings):
    with pytest.raises(InvalidOption, match=next(iter(settings))):
        BNN(**settings).fit(corpora[0])


def test_curves_and_named_hyperparameters_are_needed(corpora):
    with pytest.raises(InvalidCorpus, match="learning curve"):
        BNN(**QUICK).fit(toy_corpus(epochs=0))
    with pytest.raises(InvalidOption, match="momentum"):
        BNN(hyperparameters=["momentum"], **QUICK).fit(corpora[0])


def test_chains_are_separate_networks():
    network = LCNet(inputs=3, hidden=5)
    weights, inputs = torch.randn(4, network.size), torch.randn(4, 7, 3)
    heads = network.heads(weights, inputs)
    for chain in range(4):
        alone = network.heads(weights[chain : chain + 1], inputs[chain : chain + 1])
        torch.testing.assert_close(heads[chain], alone[0])


def test_curves_are_finite_far_out():
    heads = 5 * torch.randn(1000, 1 + SHAPES + BASIS + 2)
    mean, log_variance = curve(heads[:, None], torch.tensor([0.01, 0.5, 1.0]))
    assert mean.shape == (1000, 3)
    assert torch.isfinite(mean).all()
    assert torch.isfinite(log_variance).all()


def test_basis_functions_are_what_they_are_called():
    shapes, time = torch.randn(SHAPES), torch.tensor(0.3)
    a2, a4, a3, a5, *rates = shapes[:8].tolist()
    b1, b2, b4, b5 = torch.nn.functional.softplus(torch.tensor(rates)).tolist()
    a1, c1, b3, c3, c5 = shapes[8:].tolist()
    t = 0.3
    expected = [
        np.exp(a1 / 2 - b1 / 20 / t + c1 / 10 * np.log(t)),
        a2 * t ** (-b2 / 2),
        a4 * np.exp(-10 * b4 * t),
        a3 / (1 + (t / np.exp(b3 - 1)) ** (1 + c3)),
        a5 * t ** (1 + b5) / (np.exp(c5 - 1) ** (1 + b5) + t ** (1 + b5)),
    ]
    assert basis(shapes, time, time.log()).tolist() == pytest.approx(expected, rel=1e-4)


def test_the_gradient_is_that_of_the_posterior():
    """With one row, every batch is the whole data."""
    network, generator = LCNet(inputs=2, hidden=3), torch.Generator().manual_seed(0)
    inputs, curves = torch.randn(1, 2), torch.randn(1, 1)
    posterior = Posterior(network, inputs, curves, seen_by(1, 1, []), 4, 0.5, generator)
    weights = posterior.start()
    slope = slope_of(network, weights, inputs, curves, 0.5)
    torch.testing.assert_close(posterior.slope(weights), slope, rtol=1e-4, atol=1e-5)


def slope_of(network, weights, inputs, curves, weight):
    """The gradient for all rows at once, of one chain (1, size)."""
    leaf = weights.clone().requires_grad_()
    epochs = curves.shape[1]
    time = torch.arange(1, epochs + 1) / epochs
    mean, log_variance = curve(network.heads(leaf, inputs[None])[:, :, None], time)
    normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
    energy = -weight * normal.log_prob(curves).sum() + leaf.square().sum() / 2
    (slope,) = torch.autograd.grad(energy, leaf)
    return slope


def test_a_chain_that_leaves_a_fold_out_has_the_gradient_of_the_others():
    """Estimates of 20,000 rows each; the fold's networks are far from the others."""
    network, generator = LCNet(inputs=2, hidden=3), torch.Generator().manual_seed(0)
    inputs, curves = (torch.randn(8, n, generator=generator) for n in (2, 3))
    curves[6:] += 3
    posterior = Posterior(network, inputs, curves, seen_by(8, 1, [[6, 7]]), 20000, 0.5, generator)
    weights = posterior.start()
    said = torch.stack([posterior.slope(weights) for _ in range(20)])
    everything = slope_of(network, weights[:1], inputs, curves, 0.5)
    others = slope_of(network, weights[1:], inputs[:6], curves[:6], 0.5)
    error = 5 * said.std(dim=0) / 20**0.5 + 1e-4
    assert ((said.mean(dim=0) - torch.cat([everything, others])).abs() < error).all()


def test_a_fold_is_left_out_of_its_chain():
    assert seen_by(5, 2, [[0, 1], [2, 3, 4]]) == [[*range(5)], [*range(5)], [2, 3, 4], [0, 1]]


def test_conditioning_is_that_of_a_gaussian():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    covariance, mean, observed = root @ root.T, rng.normal(size=4), rng.normal(size=3)
    said, variance = condition(mean[None], covariance[None], observed[None])
    precision = np.linalg.inv(covariance)
    expected = mean[3] - precision[3, :3] @ (observed - mean[:3]) / precision[3, 3]
    assert said == pytest.approx([expected])
    assert variance == pytest.approx([1 / precision[3, 3]])


def test_covariance_of_residuals_is_found_and_regular():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    many = residual_covariance(rng.normal(size=(4000, 3)) @ root.T)
    np.testing.assert_allclose(many, root @ root.T, atol=0.3)
    few = residual_covariance(rng.normal(size=(2, 6)))
    assert np.linalg.eigvalsh(few).min() > 0
