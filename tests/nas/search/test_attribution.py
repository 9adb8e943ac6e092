"""What each layer does to a prediction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas import Architecture, Input, Layer, Prediction, Skeleton, Surrogate
from nas.core.choices import Draw
from nas.core.errors import InvalidSurrogate
from nas.search import common_layers, layer_attribution
from nas.search.attribution import removed
from nas.testing import ToySpace, toy_corpus
from search_spaces import CellSpace

INPUT = Input(3, 8, 8, 10)
CONV, RELU = Layer("conv", (3, 3), width=4), Layer("relu")
HEAD = (Layer("global_pool"), Layer("dense", width=10))


class Macs(Surrogate):
    """The more MACs the better, by a millionth each."""

    def fit(self, corpus):
        return self

    def predict(self, queries):
        return Prediction(np.array([query.architecture.macs / 1e6 for query in queries]))


def plain(*block):
    return Architecture((block,), Skeleton.plain(), INPUT)


def test_removing_a_layer_moves_the_prediction_by_what_the_surrogate_says():
    network = plain(CONV, RELU, *HEAD)
    edits = layer_attribution(Macs(), network)
    assert [(edit.place, edit.layer) for edit in edits] == [(0, None), (1, None), (2, None)]
    assert edits[0].change == pytest.approx(
        (plain(RELU, *HEAD).macs - network.macs) / 1e6, abs=1e-12
    )
    assert edits[1].change == 0
    assert {edit.before for edit in edits} == {network.macs / 1e6}
    assert edits[0].after == plain(RELU, *HEAD).macs / 1e6
    assert edits[1].architecture == plain(CONV, *HEAD)


def test_a_change_that_does_not_fit_is_left_out():
    """Without the dense layer the network has other outputs; with a larger window, none."""
    network = plain(CONV, RELU, *HEAD)
    assert not [edit for edit in layer_attribution(Macs(), network) if edit.place == 3]
    huge = Layer("conv", (9, 9), width=4, args={"padding": "valid"})
    swaps = [e for e in layer_attribution(Macs(), network, [huge]) if e.layer]
    assert swaps == []
    lonely = plain(Layer("dense", width=10))
    assert layer_attribution(Macs(), lonely) == []


def test_swaps_are_told_and_a_layer_is_not_swapped_for_itself():
    wide = Layer("conv", (5, 5), width=8)
    edits = layer_attribution(Macs(), plain(CONV, RELU, *HEAD), [CONV, wide])
    swapped = {(edit.place, edit.layer) for edit in edits if edit.layer}
    assert (0, wide) in swapped and (0, CONV) not in swapped
    assert (1, CONV) in swapped and (1, wide) in swapped
    assert max(edits, key=lambda edit: edit.change).layer == wide


def test_each_block_design_is_changed_by_itself():
    network = toy_corpus(3)[0].architecture
    twice = Architecture(network.blocks * 2, network.skeleton, network.input)
    edits = layer_attribution(Macs(), twice)
    assert {edit.block for edit in edits} == {0, 1}
    assert all(edit.architecture.blocks[1 - edit.block] == network.blocks[0] for edit in edits)


def test_what_read_a_removed_layer_reads_its_inputs():
    block = (CONV, RELU, Layer("tanh", inputs=(-2,)), Layer("add", inputs=(-2, -1)))
    without = removed(block, 0)
    assert without == (RELU, Layer("tanh", inputs=(-2,)), Layer("add", inputs=(-2, -1)))
    assert removed(block, 1) == (CONV, Layer("tanh"), Layer("add", inputs=(-2, -1)))
    assert removed(block, 2) == (CONV, RELU, Layer("add", inputs=(-1, -2)))
    assert removed(block, 3) is None, "it has several inputs: which is the output then?"


def test_what_is_summed_is_summed_once():
    """Behind a removed layer its input would be added to itself."""
    residual = (CONV, RELU, Layer("add", inputs=(-2, -1)))
    assert removed(residual, 1) == (CONV, Layer("add"))
    stacked = (CONV, RELU, Layer("concat", inputs=(-2, -1)))
    assert removed(stacked, 1) == (CONV, Layer("concat", inputs=(-1, -1)))
    twice = (CONV, RELU, Layer("add", inputs=(-1, -1)))
    assert removed(twice, 0) == (RELU, Layer("add", inputs=(-1, -1))), "it was so before"


@given(st.integers(0, 10_000))
def test_every_removal_from_a_cell_can_be_placed(seed):
    block = CellSpace().generate(Draw(np.random.default_rng(seed))).blocks[0]
    input = Input(16, 8, 8, 10)
    for place in range(len(block)):
        design = removed(block, place)
        if design is not None and block[place].op != "zero":
            assert len(Architecture((design,), Skeleton.plain(), input).layers()) == len(block) - 1


def test_the_commonest_layers_come_first_and_each_op_is_there():
    corpus = toy_corpus(30)
    layers = common_layers(corpus, most=6)
    assert {layer.op for layer in layers[:3]} == {"conv", "relu", "tanh"}
    assert len(layers) == len(set(layers)) == 6
    assert layers[0] == RELU, "nothing is as common"


def test_a_wired_layer_counts_as_one_of_a_chain():
    rng = np.random.default_rng(0)
    network = CellSpace().generate(Draw(rng))
    corpus = toy_corpus(3)
    record = type(corpus[0])(network, 0.5)
    header = type(corpus.header)(network.skeleton, network.input, "x")
    layers = common_layers(type(corpus)(header, (record,)))
    assert all(layer.inputs == (-1,) for layer in layers)


def test_wrong_answers_are_refused():
    class Nan(Macs):
        def predict(self, queries):
            return Prediction(np.full(len(queries), np.nan))

    with pytest.raises(InvalidSurrogate, match="NaN"):
        layer_attribution(Nan(), ToySpace().generate(Draw(np.random.default_rng(0))))
