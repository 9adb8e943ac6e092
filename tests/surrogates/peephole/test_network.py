"""The module: packing, the written-out LSTM, the parts of the paper."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from surrogates.peephole.network import Batch, PeepholeNetwork, _table, pack
from surrogates.peephole.recurrence import last_states

lengths = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def sequences(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 7, length) for length in lengths]


@given(lengths)
def test_packing_keeps_every_layer_in_its_place(lengths):
    layers = sequences(lengths)
    tokens, sizes, places = pack(layers)
    starts = np.cumsum(sizes) - sizes
    for number, each in enumerate(layers):
        read = [tokens[starts[step] + places[number]] for step in range(len(each))]
        assert read == each.tolist()
    assert sizes.sum() == len(tokens) == sum(lengths)


@settings(deadline=None, max_examples=30)
@given(lengths)
def test_the_recurrence_is_that_of_torch(lengths):
    tokens, sizes, _ = map(torch.from_numpy, pack(sequences(lengths)))
    generator = torch.Generator().manual_seed(0)
    lstm = torch.nn.LSTM(5, 6)
    table = torch.randn(7, 5, generator=generator, requires_grad=True)
    weight = torch.randn(2, len(lengths), 6, generator=generator)

    def results(states):
        inputs = [table, *lstm.parameters()]
        return [states.detach(), *torch.autograd.grad((states * weight).sum(), inputs)]

    own = results(torch.stack(last_states(lstm, table, tokens, sizes)))
    every, (last, _) = lstm(PackedSequence(table[tokens], sizes))
    reference = results(torch.stack([last[0], pad_packed_sequence(every)[0].sum(0)]))
    for mine, theirs in zip(own, reference, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        again = torch.stack(last_states(lstm, table, tokens, sizes))
    torch.testing.assert_close(again, reference[0], rtol=1e-4, atol=1e-6)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return PeepholeNetwork(embedding=10, hidden=160, epoch_embedding=40, mlp=200, epochs=30).eval()


def batch(layers, width=4):
    table = torch.tensor([[1.0, 3, 3, 4], [4, 1, 1, 4], [7, 1, 1, 4]])
    table = torch.cat([table, torch.ones(3, width - 4)], dim=1)
    tokens, sizes, places = map(torch.from_numpy, pack(layers))
    rows = torch.arange(len(layers))
    return Batch(table, tokens, sizes, places, rows, torch.full_like(rows, 30))


def test_sizes_are_the_papers(network):
    shapes = {name: tuple(p.shape) for name, p in network.named_parameters()}
    assert shapes["lstm.weight_ih_l0"] == (4 * 160, 40)
    assert shapes["lstm.weight_hh_l0"] == (4 * 160, 160)
    assert shapes["epoch_table.weight"][1] == 40
    linear = [shape for name, shape in shapes.items() if name.startswith("head") and len(shape) > 1]
    assert linear == [(200, 200), (200, 200), (200, 200), (1, 200)]
    kinds = [type(module).__name__ for module in network.head]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU"] * 3 + ["Linear"]


def test_the_order_of_layers_matters(network):
    said = network(batch([np.array([0, 1, 2]), np.array([2, 1, 0]), np.array([0, 1, 2])]))
    assert said[0] == said[2] != said[1]


def test_the_mean_of_the_states_does_not_depend_on_the_batch():
    torch.manual_seed(0)
    network = PeepholeNetwork(4, 8, 4, 8, epochs=1, mean=True).eval()
    layers = [np.array([0, 1, 2, 1]), np.array([2]), np.array([1, 1])]
    together = network.structure(batch(layers))
    assert together.shape == (3, 16)
    for said, alone in zip(together, layers, strict=True):
        torch.testing.assert_close(network.structure(batch([alone]))[0], said)
    # Of one layer, the last state is the mean.
    torch.testing.assert_close(together[1, :8], together[1, 8:])


def test_width_and_resolution_reach_the_extended_network():
    torch.manual_seed(0)
    network = PeepholeNetwork(4, 8, 4, 8, epochs=1, extended=True).eval()
    first = batch([np.array([0, 1])], width=6)
    first.epochs.fill_(1)
    before = network(first).item()
    first.table[:, 5] += 1
    assert network(first).item() != before


def test_a_table_starts_as_an_embedding_does():
    torch.manual_seed(3)
    expected = torch.nn.Embedding(9, 40, padding_idx=0)
    torch.manual_seed(3)
    made = _table(9, 40)
    assert torch.equal(made.weight, expected.weight) and made.weight.requires_grad
    assert made.padding_idx == 0
