"""What notebooks show: strips, corpora, data frames."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from nas import Corpus, Layer
from nas.core.errors import InvalidOption
from nas.core.notebook import COLUMNS, color_of, short_layer
from nas.core.ops import OPS
from nas.testing import toy_corpus


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Layer("conv", (3, 5), ratio=0.5), "conv3x5 x0.5"),
        (Layer("conv", width=64, stride=2), "conv1x1 /2 to 64"),
        (Layer("max_pool", (2, 3)), "max2x3"),
        (Layer("batch_norm"), "bn"),
        (Layer("dropout", args={"p": 1 / 3}), "dropout 0.33"),
        (Layer("inverted_bottleneck", (5, 5), args={"expand": 6, "bias": False}), "mb5x5 e6"),
        (Layer("add", inputs=(-2, -1)), "add[-2,-1]"),
        (Layer("my.ops.Scale"), "Scale"),
    ],
)
def test_a_layer_in_short(layer, text):
    assert short_layer(layer) == text


def test_every_op_has_a_color():
    assert {color_of(Layer(op, width=1))[0] for op in OPS} == {"#"}


def test_an_architecture_shows_its_numbers_and_every_layer():
    architecture = toy_corpus(3)[0].architecture
    shown = architecture._repr_html_()
    assert architecture.key in shown
    assert f"{architecture.macs:,} MACs" in shown
    assert all(short_layer(layer) in shown for layer in architecture.blocks[0])


def test_what_stands_in_a_file_is_escaped():
    corpus = toy_corpus(3)
    header = replace(corpus.header, data="<script>")
    assert "<script>" not in replace(corpus, header=header)._repr_html_()
    assert short_layer(Layer("dense", width=2, args={"p": "<script>"})) == "dense to 2"


def test_a_corpus_shows_how_trainings_ended_and_its_best_network():
    corpus = toy_corpus(12)
    shown = corpus._repr_html_()
    assert "12 networks on toy" in shown
    assert "11 complete, 1 diverged" in shown
    best = max(corpus, key=lambda record: record.target)
    assert f"{best.target:.4f} best" in shown
    assert best.architecture.key in shown
    assert "none yet" in corpus[:0]._repr_html_()


def test_a_data_frame_has_a_row_a_record():
    corpus = toy_corpus(12)
    record = replace(corpus[3], hyperparameters={"lr": 0.1, "epochs": 90})
    frame = Corpus(corpus.header, (*corpus[:3], record)).to_pandas()
    assert list(frame.columns) == [*COLUMNS, "hyperparameters.lr", "hyperparameters.epochs"]
    row = frame.iloc[3]
    assert row["key"] == record.architecture.key
    assert row["target"] == record.target
    assert row["macs"] == record.macs
    assert row["epochs"] == len(row["curve"]) == 6
    assert row["layers"] == len(record.architecture.layers())
    assert row["architecture"] == record.architecture
    assert row["hyperparameters.lr"] == 0.1
    assert pd.isna(frame.iloc[0]["hyperparameters.lr"])
    assert frame.iloc[2]["status"] == "diverged"


def test_an_empty_corpus_gives_an_empty_frame():
    frame = toy_corpus(3)[:0].to_pandas()
    assert list(frame.columns) == list(COLUMNS)
    assert not len(frame)


def test_without_pandas_there_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InvalidOption, match=r"peephole-nas\[notebook\]"):
        toy_corpus(3).to_pandas()


def test_showing_imports_neither_torch_nor_pandas():
    code = (
        "import sys\nfrom nas.testing.toy import toy_corpus\n"
        "c = toy_corpus(4); c._repr_html_(); c[0].architecture._repr_html_()\n"
        "heavy = {'torch', 'pandas', 'scipy', 'plotly'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_network_whose_layers_do_not_fit_says_so():
    """It is looked at to see why."""
    network = toy_corpus(1)[0].architecture
    huge = Layer("max_pool", (99, 99), args={"padding": "valid"})
    shown = replace(network, blocks=((huge,),))._repr_html_()
    assert "max99x99" in shown and network.key not in shown
    assert "MACs" not in shown and "must" in shown
