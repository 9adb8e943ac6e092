"""Peephole as a surrogate: settings, fit, predict."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from nas.core.architecture import Architecture
from nas.core.choices import check_seed
from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption, InvalidSurrogate
from nas.core.interfaces import Prediction, Query, Surrogate
from surrogates.cross_fitting import finished, folds
from surrogates.peephole.code import Sequences, encode
from surrogates.peephole.ranking import Calibrated, Standardised, from_state, to_state

if TYPE_CHECKING:
    import torch

    from surrogates.peephole.module import Supervision
    from surrogates.peephole.network import PeepholeNetwork

Loss = Literal["smooth_l1", "mse_l1", "pairwise"]
Weights = dict[str, np.ndarray]

FOLDS = 5  # of the cross-fitting that calibrates ranking scores
_ROWS_AT_ONCE = 16384
_TRAINING = threading.Lock()  # PyTorch's random generator is one for all threads


class Peephole(Surrogate):
    """The paper's predictor (section 3): layer codes through an LSTM, an epoch, an MLP.

    The defaults are the paper's model. What goes beyond it: `code="extended"`, `loss="pairwise"`,
    `structure="last_mean"` and `members`; experiments/configs/peephole-strong.yaml is the strongest
    form. Targets are standardised for training.

    Args:
        loss: smooth_l1 or mse_l1 (squared error with an L1 penalty on the weights) on accuracies,
            or pairwise, a logistic loss on the order of pairs, whose scores are then calibrated to
            accuracies on networks that were left out of a fit.
        supervision: final takes the last accuracy of each network, curve every epoch's, and then
            any epoch can be asked about.
        sequence: network reads all layers as built, block the block designs alone.
        code: paper for the four integers of a layer, extended to add its width and resolution.
        structure: last for the LSTM's state behind the last layer as the structural feature,
            last_mean to add the mean of its states behind all layers.
        members: networks trained from different seeds and averaged; their spread is the std.
        embedding: dimensions of each of the four parts of a layer code.
        hidden: size of the LSTM's state.
        epoch_embedding: dimensions of the epoch.
        mlp: width of the hidden linear layers.
        mlp_layers: number of the hidden linear layers.
        epochs: passes over the corpus in training.
        batch_size: networks in a training batch, about.
        lr: highest learning rate of the one-cycle schedule.
        weight_decay: of AdamW, on the weights of LSTM and MLP.
        l1: factor of the L1 penalty of mse_l1.
        dropout: share of hidden units dropped in training.
        seed: of initial weights and batches.
        device: auto, or a torch device such as cpu or cuda:1; a fitted one whose device is not
            here answers on the CPU.
    """

    _networks: list[PeepholeNetwork] | None = None

    def __init__(
        self,
        loss: Loss = "smooth_l1",
        supervision: Literal["final", "curve"] = "final",
        sequence: Literal["network", "block"] = "network",
        code: Literal["paper", "extended"] = "paper",
        structure: Literal["last", "last_mean"] = "last",
        members: int = 1,
        embedding: int = 10,
        hidden: int = 160,
        epoch_embedding: int = 40,
        mlp: int = 200,
        mlp_layers: int = 3,
        epochs: int = 40,
        batch_size: int = 32,
        lr: float = 1e-2,
        weight_decay: float = 1e-2,
        l1: float = 1e-5,
        dropout: float = 0.0,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.loss = loss
        self.supervision = supervision
        self.sequence = sequence
        self.code = code
        self.structure = structure
        self.members = members
        self.embedding = embedding
        self.hidden = hidden
        self.epoch_embedding = epoch_embedding
        self.mlp = mlp
        self.mlp_layers = mlp_layers
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.l1 = l1
        self.dropout = dropout
        self.seed = seed
        self.device = device

    def fit(self, corpus: Corpus) -> Self:
        """See `Surrogate.fit`.

        Raises:
            InvalidCorpus: no finished network, or no curves where they supervise.
            InvalidOption: a setting outside what it may be.
        """
        self._check_settings()
        records = finished(corpus)
        if self.supervision == "curve" and not records.epochs:
            raise InvalidCorpus(
                "supervision='curve' needs learning curves, but this corpus has none; use 'final'"
            )
        self.last_epoch_ = max(records.epochs, 1)
        self._networks = None
        targets = _curves(records) if self.supervision == "curve" else records.targets[:, None]
        sequences = self._encode([record.architecture for record in records])
        if self.loss == "pairwise":
            self._fit_ranks(sequences, targets[:, 0])
        else:
            scale = Standardised.of(targets)
            self._fit_members(sequences, (targets - scale.mean) / scale.std)
            self.scale_ = to_state(scale)
        return self

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """See `Surrogate.predict`.

        Raises:
            InvalidSurrogate: not fitted yet.
            InvalidOption: an epoch that nothing was learnt about.
        """
        if not hasattr(self, "weights_"):
            raise InvalidSurrogate("Peephole must be fitted before it predicts; call fit(corpus)")
        epochs = np.array([self._epoch(query.epoch) for query in queries], dtype=np.int64)
        sequences = self._encode([query.architecture for query in queries])
        scores = np.stack([_scores(each, sequences, epochs) for each in self._modules()])
        mean, std = from_state(self.scale_).accuracies(scores)
        return Prediction(mean, std if len(scores) > 1 else None)

    def _check_settings(self) -> None:
        for name, options in (
            ("loss", ("smooth_l1", "mse_l1", "pairwise")),
            ("supervision", ("final", "curve")),
            ("sequence", ("network", "block")),
            ("code", ("paper", "extended")),
            ("structure", ("last", "last_mean")),
        ):
            if getattr(self, name) not in options:
                raise InvalidOption(
                    f"{name} must be one of {', '.join(options)}, but got {getattr(self, name)!r}"
                )
        sizes = ("members", "embedding", "hidden", "epoch_embedding", "mlp", "mlp_layers", "epochs")
        for name in sizes:
            if getattr(self, name) < 1:
                raise InvalidOption(f"{name} must be at least 1, but got {getattr(self, name)}")
        check_seed(self.seed)
        for name in ("weight_decay", "l1"):
            if not getattr(self, name) >= 0:
                raise InvalidOption(f"{name} must be at least 0, but got {getattr(self, name)}")
        if not self.lr > 0 or not 0 <= self.dropout < 1:
            raise InvalidOption(
                f"lr > 0 and 0 <= dropout < 1 must hold, but got {self.lr} and {self.dropout}"
            )
        if self.batch_size < 2:
            raise InvalidOption(
                "batch_size must be at least 2, since batch normalisation compares networks, but "
                f"got {self.batch_size}"
            )
        if self.loss == "pairwise" and self.supervision == "curve":
            raise InvalidOption(
                "loss='pairwise' orders final accuracies, but got supervision='curve'; use 'final'"
            )

    def _encode(self, architectures: Sequence[Architecture]) -> Sequences:
        return encode(architectures, self.sequence, self.code == "extended")

    def _epoch(self, asked: int | None) -> int:
        """The row of the epoch table that a query means."""
        epoch = self.last_epoch_ if asked is None else asked
        if self.supervision == "final" and epoch != self.last_epoch_:
            raise InvalidOption(
                f"fitted to final accuracies, Peephole knows epoch {self.last_epoch_} only, but "
                f"got {epoch}; fit it with supervision='curve'"
            )
        if not 1 <= epoch <= self.last_epoch_:
            raise InvalidOption(
                f"an epoch must lie in 1..{self.last_epoch_}, the curves it was fitted to, but got "
                f"{epoch}"
            )
        return epoch

    def _fit_members(self, sequences: Sequences, targets: np.ndarray) -> None:
        """Trains every member on targets (n, 1) or (n, epochs)."""
        data = self._supervision(sequences, targets)
        self.weights_ = [self._train(data, member) for member in range(self.members)]

    def _fit_ranks(self, sequences: Sequences, targets: np.ndarray) -> None:
        """Trains every member on the order of targets (n,), then calibrates their scores.

        Scores of networks that a member was trained on are too sure of themselves; how far they
        can be trusted is measured on folds that were left out.
        """
        self._fit_members(sequences, targets[:, None])
        epochs = np.full(len(targets), self.last_epoch_)
        scores = np.stack([_scores(each, sequences, epochs) for each in self._modules()])
        left_out = self._cross_fitted(self._supervision(sequences, targets[:, None]))
        self.scale_ = to_state(Calibrated.of(scores, targets, left_out))

    def _cross_fitted(self, data: Supervision) -> np.ndarray:
        """Standardised scores (n,) from fits that did not see the network; 0 for a single one."""
        scores = np.zeros(len(data))
        for fold, held in enumerate(folds(len(data), FOLDS, self.seed)):
            kept = data.take(np.setdiff1d(np.arange(len(data)), held))
            network = self._restore(self._train(kept, self.members + fold))
            seen, new = (
                _scores(network, part.sequences, np.full(len(part), self.last_epoch_))
                for part in (kept, data.take(held))
            )
            scores[held] = (new - seen.mean()) / (seen.std() or 1.0)
        return scores

    def _supervision(self, sequences: Sequences, targets: np.ndarray) -> Supervision:
        from surrogates.peephole.module import Supervision

        return Supervision(sequences, targets, self.last_epoch_ - targets.shape[1] + 1)

    def _train(self, data: Supervision, member: int) -> Weights:
        """The weights of one network, trained from a seed of its own."""
        import torch

        from surrogates.peephole.module import Recipe, train

        seed = int(np.random.SeedSequence([self.seed, member]).generate_state(1)[0])
        recipe = Recipe(
            self.loss, self.l1, self.epochs, self.batch_size, self.lr, self.weight_decay
        )
        device = self._device()
        devices = [device] if device.type == "cuda" else []
        # The caller's random numbers stay as they were, and so do those of another thread's fit.
        with (
            _TRAINING,
            torch.random.fork_rng(devices),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            torch.default_generator.manual_seed(seed)
            for each in devices:
                torch.cuda.default_generators[each.index].manual_seed(seed)
            network = self._build()
            train(network, data, recipe, seed, device)
        return {name: value.numpy().copy() for name, value in network.state_dict().items()}

    def _build(self) -> PeepholeNetwork:
        """A network with random weights."""
        from surrogates.peephole.network import PeepholeNetwork

        return PeepholeNetwork(
            self.embedding,
            self.hidden,
            self.epoch_embedding,
            self.mlp,
            self.last_epoch_,
            self.code == "extended",
            self.structure == "last_mean",
            self.mlp_layers,
            self.dropout,
        )

    def _restore(self, weights: Weights) -> PeepholeNetwork:
        """The network with these weights, ready to answer."""
        import torch

        with torch.device("meta"):  # draws no random numbers
            network = self._build()
        tensors = {name: torch.tensor(weight) for name, weight in weights.items()}
        network.load_state_dict(tensors, assign=True)
        return network.to(self._answering_device()).eval()

    def _answering_device(self) -> torch.device:
        """Answers need no GPU: one that was fitted on another machine's is asked on the CPU."""
        import torch

        try:
            return self._device()
        except InvalidOption:
            return torch.device("cpu")

    def _device(self) -> torch.device:
        import torch

        name = self.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        kind, _, index = name.partition(":")
        gpus = torch.cuda.device_count() if kind == "cuda" else 0
        if name == "cpu":
            return torch.device(name)
        if (index or "0").isdecimal() and int(index or 0) < gpus:
            return torch.device(kind, int(index or 0))
        raise InvalidOption(
            f"device must be auto, cpu, cuda or cuda:N with N below the {gpus} GPUs found here, "
            f"but got {self.device!r}"
        )

    def _modules(self) -> list[PeepholeNetwork]:
        """The members as modules, built when first asked."""
        if self._networks is None:
            self._networks = [self._restore(weights) for weights in self.weights_]
        return self._networks

    def __getstate__(self) -> dict[str, Any]:
        # Modules are rebuilt from the weights: copies and pickles stay small and share nothing.
        return {name: value for name, value in vars(self).items() if name != "_networks"}


def _curves(records: Corpus) -> np.ndarray:
    """Accuracies (n, epochs), NaN behind the end of a curve; the last column is the target."""
    curves = np.full((len(records), records.epochs), np.nan)
    for row, record in zip(curves, records, strict=True):
        row[: len(record.curve)] = record.curve.values
    curves[:, -1] = records.targets
    return curves


def _scores(network: PeepholeNetwork, sequences: Sequences, epochs: np.ndarray) -> np.ndarray:
    """Raw answers (n,) for n networks and epochs (n,); each distinct network is read once."""
    import torch

    from surrogates.peephole.network import features

    device = next(network.parameters()).device
    with torch.inference_mode():
        known = features(network, sequences)
        chunks = [
            network.answer(
                known[torch.from_numpy(sequences.networks[at : at + _ROWS_AT_ONCE]).to(device)],
                torch.from_numpy(epochs[at : at + _ROWS_AT_ONCE]).to(device),
            )
            for at in range(0, len(epochs), _ROWS_AT_ONCE)
        ]
    parts = [chunk.double().cpu().numpy() for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0)
