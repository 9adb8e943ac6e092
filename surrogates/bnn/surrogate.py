"""LC-Net as a surrogate: settings, fit, predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate
from surrogates.bnn.conditioning import condition, residual_covariance
from surrogates.cross_fitting import folds
from surrogates.observing import (
    Inputs,
    by_question,
    curves_of,
    observed,
    with_curves,
)
from surrogates.standard import Standard

if TYPE_CHECKING:
    from surrogates.bnn.network import LCNet

FOLDS = 4
_QUERIES_AT_ONCE = 128


class BNN(Surrogate):
    """LC-Net (Klein, Falkner, Springenberg, Hutter 2017): Bayesian learning curves.

    A network of three hidden tanh layers turns the inputs (log parameters, log MACs, number of
    layers, layers by type, hyperparameters named here) into an asymptote, five basis functions of
    time, their weights and a noise variance. Its weights have a Gaussian prior and are sampled by
    adaptive stochastic-gradient Hamiltonian Monte Carlo; the answer is mean and variance over
    samples, noise included, for any epoch.

    Observed epochs: the paper adds them to the training data and samples again. Here the curve
    counts as Gaussian and is conditioned on its beginning in closed form, microseconds a query.
    Its mean and deviations are the network's; how errors at different epochs go together, and how
    large they really are, four more chains tell, each of which leaves a fourth of the networks
    out. What the target has beyond the last epoch (the best epoch of a table, a mean of seeds) is
    one more column there. See `surrogates.bnn.conditioning`.

    Args:
        hyperparameters: names of those to read, where they differ between networks.
        architecture: False leaves the architecture's features out.
        hidden: width of the three hidden layers.
        chains: Markov chains, walked side by side.
        burn_in: steps of each chain that are thrown away.
        steps: steps of each chain, burn-in included; the paper's set-up is 3000 of 13000.
        keep_every: steps between two samples.
        lr: step size of the sampler.
        momentum_decay: its friction.
        batch_size: rows (network, epoch) for one step's gradient.
        evidence: how many independent accuracies a learning curve counts as, at most its length.
            The paper counts each epoch, but neighbours tell the same: chains then fit the training
            curves too closely.
        seed: of initial weights, batches and noise.
    """

    reads_curves = True

    def __init__(
        self,
        hyperparameters: list[str] | None = None,
        architecture: bool = True,
        hidden: int = 50,
        chains: int = 4,
        burn_in: int = 1500,
        steps: int = 4000,
        keep_every: int = 50,
        lr: float = 0.02,
        momentum_decay: float = 0.05,
        batch_size: int = 32,
        evidence: float = 12.0,
        seed: int = 0,
    ) -> None:
        self.hyperparameters = hyperparameters
        self.architecture = architecture
        self.hidden = hidden
        self.chains = chains
        self.burn_in = burn_in
        self.steps = steps
        self.keep_every = keep_every
        self.lr = lr
        self.momentum_decay = momentum_decay
        self.batch_size = batch_size
        self.evidence = evidence
        self.seed = seed

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: fewer than two finished networks with curves.
            InvalidOption: a setting outside what it may be, or a hyperparameter missing.
        """
        self._check_settings()
        records = with_curves(corpus, least=2)
        inputs = Inputs.of(records, self.architecture, self.hyperparameters)
        self.inputs_ = inputs.state()
        rows = inputs.rows(records)
        scale = Standard.of(rows)
        self.input_mean_, self.input_std_ = scale.mean, scale.std
        curves = curves_of(records)
        self.epochs_ = curves.shape[1] - 1
        self.level_ = float(curves[:, :-1].mean())
        self.spread_ = max(float(curves[:, :-1].std()), 1e-6)
        self._learn(scale(rows), curves)
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidOption: an epoch, or a prefix, beyond the curves that it was fitted to.
        """
        if not hasattr(self, "covariance_"):
            raise InvalidSurrogate("BNN must be fitted before it predicts; call fit(corpus)")
        rows = Inputs.from_state(self.inputs_).rows(queries)
        rows = Standard(self.input_mean_, self.input_std_)(rows)
        mean, std = np.empty(len(queries)), np.empty(len(queries))
        for (k, column), places in by_question(queries, self.epochs_).items():
            for at in range(0, len(places), _QUERIES_AT_ONCE):
                some = places[at : at + _QUERIES_AT_ONCE]
                columns = np.array([*range(k), column])
                expected, covariance = self._curve(rows[some], columns)
                said, variance = condition(expected, covariance, observed(queries, some))
                mean[some], std[some] = np.clip(said, 0.0, 1.0), np.sqrt(variance)
        return Prediction(mean, std)

    def _check_settings(self) -> None:
        check_seed(self.seed)
        for name in ("hidden", "chains", "steps", "keep_every", "batch_size"):
            if getattr(self, name) < 1:
                raise InvalidOption(f"{name} must be at least 1, but got {getattr(self, name)}")
        for name in ("lr", "evidence"):
            if not getattr(self, name) > 0:
                raise InvalidOption(f"{name} must be above 0, but got {getattr(self, name)}")
        if not 0 < self.momentum_decay <= 1:
            raise InvalidOption(f"momentum_decay must lie in (0, 1], but got {self.momentum_decay}")
        if not 1 <= self.burn_in <= self.steps - self.keep_every:
            raise InvalidOption(
                f"burn_in must be at least 1 and leave steps for a sample, but got {self.burn_in} "
                f"of {self.steps} steps, one kept every {self.keep_every}"
            )

    def _network(self) -> LCNet:
        from surrogates.bnn.network import LCNet

        return LCNet(len(self.input_mean_), self.hidden)

    def _learn(self, rows: np.ndarray, curves: np.ndarray) -> None:
        """Samples the weights, and learns how chains err on networks they have not seen."""
        parts = folds(len(rows), FOLDS, self.seed)
        kept = self._sample(rows, (curves[:, :-1] - self.level_) / self.spread_, parts)
        self.weights_ = kept[:, : self.chains].reshape(-1, kept.shape[-1])
        columns = np.arange(self.epochs_ + 1)
        mean, std = np.empty_like(curves), np.empty_like(curves)
        for number, held in enumerate(parts, start=self.chains):
            mean[held], std[held] = self._moments(kept[:, number], rows[held], columns)
        self.offset_ = np.mean(curves - mean, axis=0)
        self.covariance_ = residual_covariance((curves - mean - self.offset_) / std)

    def _sample(
        self, rows: np.ndarray, curves: np.ndarray, parts: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Weights (samples, chains, size): chains that see all networks, then one a fold."""
        import torch

        from surrogates.bnn.posterior import Posterior, seen_by
        from surrogates.bnn.sghmc import Schedule, sample

        generator = torch.Generator().manual_seed(self.seed)
        posterior = Posterior(
            self._network(),
            torch.tensor(rows, dtype=torch.float32),
            torch.tensor(curves, dtype=torch.float32),
            seen_by(len(rows), self.chains, [held.tolist() for held in parts]),
            self.batch_size,
            min(1.0, self.evidence / self.epochs_),
            generator,
        )
        schedule = Schedule(self.lr, self.momentum_decay, self.burn_in, self.steps, self.keep_every)
        with torch.inference_mode(False):
            kept = sample(posterior.slope, posterior.start(), schedule, generator)
        return np.asarray(kept.numpy())

    def _curve(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean (n, c) and covariance (n, c, c) of some columns of the curves of n inputs."""
        mean, std = self._moments(self.weights_, rows, columns)
        together = self.covariance_[np.ix_(columns, columns)]
        return mean + self.offset_[columns], std[:, :, None] * std[:, None] * together

    def _moments(
        self, weights: np.ndarray, rows: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation (n, c) over samples (s, size) of the weights, noise included."""
        import torch

        from surrogates.bnn.network import curve

        time = np.minimum(columns + 1, self.epochs_) / self.epochs_
        # Double precision: in single, an answer would depend on its batch.
        samples = torch.tensor(weights, dtype=torch.float64)
        inputs = torch.tensor(rows, dtype=torch.float64).expand(len(samples), *rows.shape)
        with torch.inference_mode():
            heads = self._network().heads(samples, inputs)
            means, log_variance = curve(heads[:, :, None], torch.tensor(time))
            variance = means.var(dim=0, correction=0) + log_variance.exp().mean(dim=0)
            mean, std = means.mean(dim=0).numpy(), variance.sqrt().numpy()
        return mean * self.spread_ + self.level_, std * self.spread_
