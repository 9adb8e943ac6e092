"""The predictor as a torch module (paper, section 3.2): embeddings, LSTM, MLP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from surrogates.peephole.code import LARGEST_KERNEL, RATIOS, TYPE_ROWS, Sequences
from surrogates.peephole.recurrence import last_states

_AT_ONCE = 256  # sequences in a batch: what one LSTM step handles fastest on a CPU core


@dataclass(frozen=True)
class Batch:
    """Layer sequences, packed step by step so that no padding is computed.

    Attributes:
        table: (v, 4 or 6) distinct layers, see `Sequences`.
        tokens: rows of `table`; first the first layers of all b networks, then the second ones of
            those that have one, and so on, longest network first.
        sizes: on the CPU, how many networks reach each step.
        places: (b,) where each network stands in that order.
        rows: (r,) the network that each answer is about.
        epochs: (r,) the epoch that each answer is about, from 1.
    """

    table: Tensor
    tokens: Tensor
    sizes: Tensor
    places: Tensor
    rows: Tensor
    epochs: Tensor


def pack(layers: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens, sizes and places of a `Batch` for b sequences of layers."""
    lengths = np.array([len(each) for each in layers])
    order = np.argsort(-lengths, kind="stable")
    steps = np.arange(lengths.max())
    sizes = np.searchsorted(-lengths[order], -steps, side="left")
    flat = np.concatenate([layers[i] for i in order])
    starts = np.cumsum(lengths[order]) - lengths[order]
    tokens = np.concatenate([flat[starts[:size] + step] for step, size in enumerate(sizes)])
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return tokens, sizes, places


def features(network: PeepholeNetwork, sequences: Sequences) -> Tensor:
    """Structural features (len(sequences), width) of all distinct sequences, in their order."""
    device = network.epoch_table.weight.device
    table = torch.from_numpy(sequences.table).to(device)
    known = torch.empty(len(sequences), network.width, device=device)
    lengths = np.array([len(each) for each in sequences.layers], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    for chosen in np.split(order, range(_AT_ONCE, len(order), _AT_ONCE)) if len(order) else []:
        tokens, sizes, places = map(torch.from_numpy, pack([sequences.layers[i] for i in chosen]))
        nothing = torch.empty(0, dtype=torch.long)
        batch = Batch(table, tokens.to(device), sizes, places.to(device), nothing, nothing)
        known[torch.from_numpy(chosen).to(device)] = network.structure(batch)
    return known


class PeepholeNetwork(nn.Module):
    """Layer codes and an epoch in, one real number out.

    Args:
        embedding: dimensions of each of the four parts of a layer code.
        hidden: size of the LSTM's state, the structural feature.
        epoch_embedding: dimensions of the epoch.
        mlp: width of the hidden linear layers.
        epochs: number of epochs that can be asked about.
        extended: the code has two more columns, log2 width and log2 resolution.
        mean: the structural feature is the LSTM's last state and the mean of its states.
        mlp_layers: number of the hidden linear layers.
        dropout: share of the structural feature and of hidden units dropped in training.
    """

    def __init__(
        self,
        embedding: int,
        hidden: int,
        epoch_embedding: int,
        mlp: int,
        epochs: int,
        extended: bool = False,
        mean: bool = False,
        mlp_layers: int = 3,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.type_table = _table(TYPE_ROWS, embedding)
        self.kernel_table = _table(LARGEST_KERNEL + 1, embedding)
        self.ratio_table = _table(len(RATIOS) + 1, embedding)
        self.lstm = nn.LSTM(4 * embedding + (2 if extended else 0), hidden)
        self.width = 2 * hidden if mean else hidden
        self.epoch_table = _table(epochs + 1, epoch_embedding)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(
            *_hidden(self.width + epoch_embedding, mlp, dropout),
            *(part for _ in range(1, mlp_layers) for part in _hidden(mlp, mlp, dropout)),
            nn.Linear(mlp, 1),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Answers (r,)."""
        return self.answer(self.structure(batch)[batch.rows], batch.epochs)

    def structure(self, batch: Batch) -> Tensor:
        """Structural features (b, width): the LSTM's state behind the last layer, perhaps more."""
        last, total = self._states(batch)
        if self.width == self.lstm.hidden_size:
            return last[batch.places]
        lengths = (batch.sizes[:, None] > torch.arange(len(last))).sum(0)
        mean = total / lengths[:, None].to(total.device)
        return torch.cat([last, mean], dim=1)[batch.places]

    def _states(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The LSTM's last states and the sums of its states (b, hidden), in packed order."""
        layers = self.embed(batch.table)
        if not layers.is_cuda:
            return last_states(self.lstm, layers, batch.tokens, batch.sizes)
        every, (states, _) = self.lstm(PackedSequence(layers[batch.tokens], batch.sizes))
        return states[0], pad_packed_sequence(every)[0].sum(0)

    def answer(self, features: Tensor, epochs: Tensor) -> Tensor:
        """Answers (r,) for structural features (r, width) and epochs (r,)."""
        known = torch.cat([self.dropout(features), self.epoch_table(epochs)], dim=1)
        answers: Tensor = self.head(known)
        return answers.squeeze(1)

    def embed(self, table: Tensor) -> Tensor:
        """Embedded layers (v, 4 * embedding), with two more columns in the extended code."""
        kind, width, height, ratio = table[:, :4].long().T
        parts = [
            self.type_table(kind),
            self.kernel_table(width),
            self.kernel_table(height),
            self.ratio_table(ratio),
        ]
        # log2 of 4..256 channels and of 1..64 pixels, brought near [-1.5, 1.5].
        return torch.cat([*parts, (table[:, 4:] - 4) / 2], dim=1)


def _table(rows: int, width: int) -> nn.Embedding:
    """As nn.Embedding starts, whose own start would load torch's compiler on the meta device."""
    start = torch.randn(rows, width)
    start[0] = 0  # row 0 stands for nothing
    made: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        start, freeze=False, padding_idx=0
    )
    return made


def _hidden(inputs: int, outputs: int, dropout: float) -> list[nn.Module]:
    layers = [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return [*layers, nn.Dropout(dropout)] if dropout else layers
