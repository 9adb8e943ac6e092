"""Published spaces and tables: costs as published, canonical forms, files of upstream's form."""

import itertools
import json

import numpy as np
import pytest

from nas import Corpus
from nas.core.choices import Draw
from nas.core.errors import InvalidArchitecture, InvalidCorpus
from search_spaces import CellSpace, MacroSpace
from search_spaces.cell import EDGES, cell_network
from search_spaces.macro import canonical_code, macro_network
from search_spaces.tables import IMPORTERS
from search_spaces.tables.metaqnn import metaqnn_block


@pytest.mark.parametrize(
    ("code", "params", "macs"),
    [
        ("00000000", 387_882, 7_713_280),
        ("02012100", 890_666, 47_327_744),
        ("22222222", 2_932_586, 105_660_928),
        ("22212220", 1_985_514, 85_164_544),
    ],
)
def test_macro_networks_cost_what_upstream_says(code, params, macs):
    network = macro_network(code)
    assert (network.params, network.macs) == (params, macs)


def test_a_cell_of_3x3_convolutions_costs_what_upstream_says():
    network = cell_network(dict.fromkeys(EDGES, "conv3x3"))
    assert (network.params, network.macs) == (1_531_546, 220_119_680)


def test_6561_codes_are_3969_networks():
    codes = {canonical_code("".join(code)) for code in itertools.product("012", repeat=8)}
    assert len(codes) == 3969
    assert {canonical_code(code) for code in codes} == codes


def test_the_canonical_form_of_a_macro_network_is_that_of_its_code():
    space = MacroSpace()
    for seed in range(30):
        choose = Draw(np.random.default_rng(seed))
        network = space.generate(choose)
        code = "".join(map(str, choose.decisions.values()))
        assert space.canonical(network) == macro_network(canonical_code(code))
        assert space.canonical(network).macs == network.macs


def test_cells_are_different_networks():
    rng = np.random.default_rng(0)
    drawn = [Draw(rng) for _ in range(200)]
    keys = {CellSpace().generate(choose).key for choose in drawn}
    assert len(keys) == len({tuple(choose.decisions.values()) for choose in drawn})


@pytest.mark.parametrize("code", ["0000000", "00000003", "abcdefgh"])
def test_a_code_that_is_none_is_told(code):
    with pytest.raises(InvalidArchitecture, match="8 digits"):
        macro_network(code)


def test_a_cell_without_an_edge_is_told():
    with pytest.raises(InvalidArchitecture, match="on each of the edges"):
        cell_network({(1, 2): "skip"})


def test_a_metaqnn_string_becomes_layers():
    block = metaqnn_block("[C(64,3,1), P(3,2), D(1,4), FC(128), SM(10)]")
    assert [(layer.op, layer.width) for layer in block] == [
        ("conv", 64),
        ("max_pool", None),
        ("dropout", None),
        ("dense", 128),
        ("dense", 10),
    ]
    assert (block[1].kernel, block[1].stride) == ((3, 3), 2)
    assert block[2].args == {"p": 0.125}
    averaged = metaqnn_block("[C(64,3,1), GAP(10), SM(10)]")
    assert [layer.op for layer in averaged] == ["conv", "conv", "global_pool"]


def write_metaqnn(folder):
    epochs = [f"acc_{e}" for e in range(1, 21)]
    row = ['"[C(8,3,1), SM(10)]"', "cifar10", "1", "2", "0.1", *(f"{e / 40}" for e in range(1, 21))]
    head = ["net", "training_dataset", "num_params", "depth", "lr", *epochs]
    (folder / "metaqnn_cifar10.csv").write_text(",".join(head) + "\n" + ",".join(row) + "\n")


def write_lcnet(folder):
    config = {f"log2_n_units_{i}": 4.0 for i in (1, 2, 3)} | {"batch_size": 32.0}
    rows = [{"config": config, "learning_curve": [0.9, 0.25]}]
    (folder / "configs.json").write_text(json.dumps(rows))


def write_macro(folder):
    row = {"test_acc": [90.0, 91.0, 92.0], "mean_acc": 91.0, "std": 1.0, "params": 0, "flops": 0}
    rows = dict.fromkeys(("00000000", "00010000", "00001000"), row)
    (folder / "nas-bench-macro_cifar10.json").write_text(json.dumps(rows))


def write_201(folder):
    text = 'net,net_str,val_accs\n"(2, 2, 2, 2, 2, 2)",x,91.0\n"(0, 1, 0, 1, 0, 2)",x,50.0\n'
    (folder / "nb201_valid_nets.csv").write_text(text)


TABLES = [
    ("metaqnn", write_metaqnn, 1, 0.5, 20),
    ("lcnet", write_lcnet, 1, 0.75, 2),
    ("nas-bench-macro", write_macro, 2, 0.91, 0),
    ("nas-bench-201", write_201, 2, 0.91, 0),
]


@pytest.mark.parametrize(("name", "write", "networks", "best", "epochs"), TABLES)
def test_a_table_of_upstreams_form_is_read(tmp_path, name, write, networks, best, epochs):
    write(tmp_path)
    corpus = IMPORTERS[name](tmp_path)
    assert (len(corpus), corpus.epochs) == (networks, epochs)
    assert corpus.targets.max() == pytest.approx(best)
    (file,) = tmp_path.iterdir()
    assert IMPORTERS[name](file) == corpus
    corpus.write(tmp_path / "corpus.jsonl.gz")
    assert Corpus.read(tmp_path / "corpus.jsonl.gz") == corpus


@pytest.mark.parametrize("name", [table[0] for table in TABLES])
def test_a_missing_or_foreign_table_is_told(tmp_path, name):
    write = {table[0]: table[1] for table in TABLES}[name]
    with pytest.raises(InvalidCorpus, match="get it from"):
        IMPORTERS[name](tmp_path)
    write(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text("net,val_accs\n[1, 2]\n")
    with pytest.raises(InvalidCorpus, match="must be upstream's file"):
        IMPORTERS[name](tmp_path)


def test_edges_of_nas_bench_201_stand_in_upstreams_order(tmp_path):
    text = 'net,net_str,val_accs\n"(0, 1, 2, 3, 4, 2)",x,91.0\n'
    (tmp_path / "nb201_valid_nets.csv").write_text(text)
    (record,) = IMPORTERS["nas-bench-201"](tmp_path)
    ops = {
        (1, 2): "skip",
        (1, 3): "none",
        (1, 4): "conv3x3",
        (2, 3): "conv1x1",
        (2, 4): "avg_pool3x3",
        (3, 4): "conv3x3",
    }
    assert record.architecture == cell_network(ops)


def of_lcnet(**config):
    given = {f"log2_n_units_{i}": 4.0 for i in (1, 2, 3)} | config
    return json.dumps([{"config": given, "learning_curve": [0.9, 0.25]}])


def of_metaqnn(net="[C(8,3,1), SM(10)]", accuracy="0.5"):
    names = ["net", "lr", *(f"acc_{epoch}" for epoch in range(1, 21))]
    return ",".join(names) + f'\n"{net}",0.1,' + ",".join([accuracy] * 20) + "\n"


def of_macro(other):
    row = {"test_acc": [90.0, 91.0, 92.0], "mean_acc": 91.0}
    return json.dumps({"00010000": row, "00001000": row | other})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("metaqnn", of_metaqnn(net="C" * 140_000), "field limit"),
        ("metaqnn", of_metaqnn(net="[D(1,0), SM(10)]"), "ZeroDivision"),
        ("metaqnn", of_metaqnn(net="[C(8,3,1), LRN, SM(10)]"), "in brackets"),
        ("metaqnn", of_metaqnn(net="[C(8,3,-1), SM(10)]"), "in brackets"),
        ("metaqnn", of_metaqnn(accuracy="50"), r"must lie in \[0, 1\]"),
        ("metaqnn", "", "there is none"),
        ("metaqnn", of_metaqnn().splitlines()[0], "there is none"),
        ("lcnet", of_lcnet(log2_n_units_1=5000.0), "Overflow"),
        ("lcnet", "[" * 100_000, "Recursion"),
        ("lcnet", "[]", "there is none"),
        ("nas-bench-macro", "{}", "there is none"),
        ("nas-bench-macro", of_macro({"mean_acc": 92.0}), "their rows differ"),
        ("nas-bench-macro", of_macro({}).replace("91.0", "9100"), r"\[0, 1\]"),
        ("nas-bench-201", "net,net_str,val_accs\n", "there is none"),
        ("nas-bench-201", 'net,net_str,val_accs\n"(2, 2)",x,91.0\n', "shorter"),
    ],
)
def test_a_broken_table_is_one_line_that_names_it(tmp_path, name, text, said):
    file = tmp_path / "table"
    file.write_text(text)
    with pytest.raises(InvalidCorpus, match=said) as refused:
        IMPORTERS[name](file)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)
