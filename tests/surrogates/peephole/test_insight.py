"""What a fitted Peephole tells of its cells and features."""

import numpy as np
import pytest

from nas.core.errors import InvalidSurrogate
from nas.core.interfaces import Query, predict
from nas.testing import toy_corpus
from surrogates import Peephole
from surrogates.peephole.insight import (
    NamedCell,
    named_cells,
    read_layers,
    responses,
    structural_features,
)

SMALL = {"epochs": 3, "hidden": 8, "mlp": 8, "embedding": 3, "epoch_embedding": 3}
CORPUS = toy_corpus(24)


@pytest.fixture(scope="module")
def fitted():
    return Peephole(**SMALL).fit(CORPUS)


def test_the_last_response_is_the_structural_feature(fitted):
    """Torch's LSTM against the one written out for `predict`."""
    features = structural_features(fitted, CORPUS)
    assert features.shape == (24, 8)
    for record, feature in zip(CORPUS, features, strict=True):
        states = responses(fitted, record.architecture)
        assert states.shape == (len(record.architecture.layers()), 8)
        assert np.abs(states).max() < 1
        np.testing.assert_allclose(states[-1], feature, atol=1e-5)


@pytest.mark.parametrize("settings", [{"code": "extended"}, {"members": 2}, {"sequence": "block"}])
def test_every_form_can_be_looked_into(settings):
    peephole = Peephole(**SMALL, **settings).fit(CORPUS)
    network = CORPUS[0].architecture
    assert len(responses(peephole, network)) == len(read_layers(peephole, network))
    assert structural_features(peephole, CORPUS).shape == (24, 8)


def test_the_mean_of_states_is_part_of_the_feature():
    peephole = Peephole(**SMALL, structure="last_mean").fit(CORPUS)
    states = responses(peephole, CORPUS[1].architecture)
    feature = structural_features(peephole, CORPUS)[1]
    np.testing.assert_allclose(feature, [*states[-1], *states.mean(axis=0)], atol=1e-5)


def test_a_cell_that_marks_convolutions_is_found(fitted):
    """A cell is set by hand: its gates open for the type embedding of convolutions alone."""
    peephole = Peephole(**SMALL).fit(CORPUS)
    (weights,) = peephole.weights_
    weights["type_table.weight"][:] = 0
    weights["type_table.weight"][1, 0] = 1.0  # code 1: convolution
    inputs, recurrent = weights["lstm.weight_ih_l0"], weights["lstm.weight_hh_l0"]
    biases = weights["lstm.bias_ih_l0"], weights["lstm.bias_hh_l0"]
    cell = 5
    rows = [gate * 8 + cell for gate in range(4)]  # i, f, g, o
    for each in (inputs, recurrent, *biases):
        each[rows] = 0
    biases[0][rows] = [0, -20, 0, 0]  # forgets at once
    inputs[rows[2], 0] = 5
    peephole._networks = None
    cells = {each.op: each for each in named_cells(peephole, CORPUS)}
    conv = cells["conv"]
    assert (conv.op, conv.cell, conv.correlation) == ("conv", 5, pytest.approx(1.0, abs=1e-6))
    network = CORPUS[0].architecture
    here = np.array([placed.layer.op == "conv" for placed in network.layers()])
    answers = conv.answers(responses(peephole, network))
    assert answers[here].min() > 0 > answers[~here].max()


def test_correlations_are_those_of_the_other_half(fitted):
    cells = named_cells(fitted, CORPUS)
    assert {"conv", "relu", "tanh"} <= {each.op for each in cells}
    strengths = [abs(each.correlation) for each in cells]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] <= 1
    order = np.random.default_rng(0).permutation(24)
    told_by = [CORPUS[int(i)].architecture for i in order[1::2]]
    states = np.concatenate([responses(fitted, network) for network in told_by])
    ops = [placed.layer.op for network in told_by for placed in network.layers()]
    first = cells[0]
    expected = np.corrcoef(states[:, first.cell], np.array(ops) == first.op)[0, 1]
    assert first.correlation == pytest.approx(expected, abs=1e-6)


def test_cells_are_chosen_by_the_half_that_does_not_tell(fitted):
    def favourite(half, op):
        """The cell that goes most with a type over these networks."""
        networks = [CORPUS[int(i)].architecture for i in half]
        states = np.concatenate([responses(fitted, network) for network in networks])
        ops = np.array([placed.layer.op for network in networks for placed in network.layers()])
        return int(np.argmax([abs(np.corrcoef(state, ops == op)[0, 1]) for state in states.T]))

    differing = 0
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(4)
        for cell in named_cells(fitted, CORPUS[:4], seed):
            assert cell.cell == favourite(order[::2], cell.op)
            differing += cell.cell != favourite(order[1::2], cell.op)
    assert differing, "else this shows nothing"


def test_an_answer_is_in_standard_deviations_towards_the_type():
    states = np.array([[0.0, 0.1], [0.0, 0.5]])
    np.testing.assert_allclose(NamedCell("conv", 1, -0.9, 0.3, 0.1).answers(states), [2.0, -2.0])
    assert NamedCell("conv", 0, 0.9, 0.0, 0.0).answers(states).tolist() == [0, 0]


def test_looking_changes_nothing(fitted):
    queries = [Query(record.architecture) for record in CORPUS]
    before = predict(fitted, queries).mean
    named_cells(fitted, CORPUS)
    np.testing.assert_array_equal(predict(fitted, queries).mean, before)


def test_one_network_has_no_other_half(fitted):
    assert named_cells(fitted, CORPUS[:1]) == []


def test_unfitted_it_says_so():
    for look in (
        lambda: responses(Peephole(), CORPUS[0].architecture),
        lambda: structural_features(Peephole(), CORPUS),
        lambda: named_cells(Peephole(), CORPUS),
    ):
        with pytest.raises(InvalidSurrogate, match="must be fitted"):
            look()
