"""Features against numbers worked out by hand, and path features against every path."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest

from nas.core.architecture import Architecture, Input, Layer, Skeleton
from nas.core.choices import Draw
from nas.core.errors import InvalidCorpus, InvalidOption, InvalidSurrogate
from nas.testing.toy import toy_architectures
from search_spaces import BlockSpace, CellSpace, MacroSpace
from search_spaces.cell import EDGE_OPS, EDGES, cell_network
from surrogates.features import Features, cell
from surrogates.features.layers import token

INPUT = Input(3, 32, 32, 10)
CHAIN = (
    Layer("conv", (3, 3), width=16),
    Layer("relu"),
    Layer("max_pool", (2, 2), stride=2),
    Layer("dropout", args={"p": 0.25}),
    Layer("conv", (5, 5), width=64, stride=2),
    Layer("conv", width=32),
    Layer("dense", width=100),
    Layer("dense", width=10),
)


def plain(*layers):
    return Architecture((tuple(layers),), Skeleton.plain(), INPUT)


def drawn(space, number, seed=0):
    rng = np.random.default_rng(seed)
    return [space.generate(Draw(rng)) for _ in range(number)]


def told(name, architecture, others=None):
    """All features of one network by name, constant ones too."""
    features = Features(name).fit([architecture, *(others or [])])
    features._kept = features._all_names()
    row = features.matrix([architecture])[0]
    return {n.partition(": ")[2]: v for n, v in zip(features.names, row, strict=True)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length", 8),
        ("convolutions", 3),
        ("pools", 1),
        ("dense", 2),
        ("dropout", 1),
        ("mean dropout", 0.25),
        ("relu", 1),
        ("tanh", 0),
        ("strided convolutions", 1),
        ("merges", 0),
        ("first pool", 3 / 8),
        ("1x1 convolutions", 1),
        ("3x3 convolutions", 1),
        ("5x5 convolutions", 1),
        ("share of 1x1", 1 / 3),
        ("mean kernel", 3),
        ("first kernel", 3),
        ("last kernel", 1),
        ("max kernel", 5),
        ("log first channels", 4),
        ("log last channels", 5),
        ("log max channels", 6),
        ("log min channels", 4),
        ("log mean channels", 5),
        ("log total stride", 2),
        # 1 + 2 (3x3) + 1 (2x2) + 4 * 2 (5x5 behind the pool)
        ("log receptive field", np.log2(12)),
        ("convolutions at full resolution", 1),
        ("convolutions at quarter resolution", 2),
        ("log min resolution", 3),
        ("global pool", 0),
        ("log final map", 3),
        ("log final channels", 5),
        ("log flattened width", 11),
        ("log first dense", np.log2(100)),
    ],
)
def test_summary_of_a_chain(name, value):
    assert told("chain", plain(*CHAIN))[name] == pytest.approx(value)


def test_costs_are_the_architecture_s():
    network = plain(*CHAIN)
    said = told("basic", network)
    assert said["log params"] == pytest.approx(np.log1p(network.params))
    assert said["log macs"] == pytest.approx(np.log1p(network.macs))
    assert said["depth"] == 8
    assert said["number of conv"] == 3
    assert said["number of dense"] == 2


def test_grams_are_counted_where_they_are_frequent():
    twice = plain(Layer("conv", width=8), Layer("relu"), Layer("conv", width=8), Layer("relu"))
    said = told("grams", twice, [plain(Layer("conv", width=8), Layer("relu"), Layer("tanh"))])
    assert said["conv1x1/width8"] == 2
    assert said["conv1x1/width8 > relu"] == 2
    assert "relu > tanh" not in said


def test_equal_layers_have_one_token_and_others_another():
    layers = [
        Layer("conv", (3, 3), width=8),
        Layer("conv", (3, 1), width=8),
        Layer("conv", (3, 3), ratio=8.0),
        Layer("conv", (3, 3), width=8, stride=2),
        Layer("conv", (3, 3), width=8, groups=2),
        Layer("conv", (3, 3), width=8, args={"bias": False}),
        Layer("conv", (3, 3), width=8, inputs=(-2,)),
        Layer("depthwise", (3, 3)),
    ]
    assert len({token(layer) for layer in layers}) == len(layers)
    assert token(layers[0]) == token(Layer("conv", (3, 3), width=8)) == "conv3x3/width8"


def test_a_place_is_one_hot():
    networks = drawn(MacroSpace(), 40)
    features = Features("positions").fit(networks)
    columns = [n for n in features.names if n.startswith("positions")]
    assert len(columns) == 24
    x = features.matrix(networks)[:, [features.names.index(n) for n in columns]]
    assert set(np.unique(x)) == {0.0, 1.0}
    assert (x.sum(axis=1) == 8).all()


def test_a_design_never_seen_is_all_zeros():
    seen, other = plain(Layer("relu"), Layer("tanh")), plain(Layer("tanh"), Layer("tanh"))
    features = Features("positions").fit([seen, other])
    new = features.matrix([plain(Layer("sigmoid"), Layer("tanh"), Layer("relu"))])
    at = [i for i, n in enumerate(features.names) if n.startswith("positions")]
    assert len(at) == 2
    assert (new[:, at] == 0).all()


# Cells, against all their paths written out.


def paths_of(ops):
    """Every path from node 1 to node 4, as a tuple of operations without cut edges."""
    routes = [((1, 4),), ((1, 2), (2, 4)), ((1, 3), (3, 4)), ((1, 2), (2, 3), (3, 4))]
    found = [tuple(ops[edge] for edge in route) for route in routes]
    return [path for path in found if "none" not in path]


WORDS = {
    "skip": "identity",
    "conv3x3": "conv3x3/bias=False",
    "conv1x1": "conv1x1/bias=False",
    "avg_pool3x3": "avg_pool3x3",
}
CELLS = [
    dict(zip(EDGES, ops, strict=True))
    for ops in np.random.default_rng(0).choice(EDGE_OPS, size=(150, 6)).tolist()
]
OPERATIONS = sorted(WORDS.values())


@pytest.fixture(scope="module")
def networks():
    return [cell_network(ops) for ops in CELLS]


def test_subset_features_agree_with_all_paths(networks):
    rows = cell.graf(networks, OPERATIONS)
    names = cell.graf_names(OPERATIONS)
    assert rows.shape == (len(CELLS), len(names))
    for ops, row in zip(CELLS, rows, strict=True):
        said = dict(zip(names, row, strict=True))
        paths = [[WORDS[op] for op in path] for path in paths_of(ops)]
        longest = max(map(len, paths), default=0)
        assert said["shortest path"] == min(map(len, paths), default=longest + 1)
        for chosen in cell.subsets(OPERATIONS):
            word = " or ".join(chosen)
            clear = [len(path) for path in paths if not set(path) & set(chosen)]
            assert said[f"shortest path without {word}"] == min(clear, default=longest + 1)
            most = max((sum(op in chosen for op in path) for path in paths), default=0)
            assert said[f"most {word} on a path"] == most


def test_only_living_edges_count(networks):
    rows = cell.graf(networks, OPERATIONS)
    names = cell.graf_names(OPERATIONS)
    for ops, row in zip(CELLS, rows, strict=True):
        said = dict(zip(names, row, strict=True))
        routes = [((1, 4),), ((1, 2), (2, 4)), ((1, 3), (3, 4)), ((1, 2), (2, 3), (3, 4))]
        living = {e for r in routes if all(ops[x] != "none" for x in r) for e in r}
        for op, word in WORDS.items():
            assert said[f"number of {word}"] == sum(ops[e] == op for e in living)
            assert said[f"{word} at the input"] == sum(ops[e] == op for e in living if e[0] == 1)
            assert said[f"{word} at the output"] == sum(ops[e] == op for e in living if e[1] == 4)


def test_the_census_counts_all_paths(networks):
    rows = 2 ** cell.census(networks) - 1
    names = cell.census_names()
    assert rows.shape == (len(CELLS), len(names))
    for ops, row in zip(CELLS, rows, strict=True):
        said = dict(zip(names, row, strict=True))
        counts = Counter()
        for path in paths_of(ops):
            convs = sum(op.startswith("conv") for op in path)
            wide, pools = path.count("conv3x3"), path.count("avg_pool3x3")
            kinds = dict(zip(cell.KINDS, (convs, wide, pools, len(path)), strict=True))
            counts["log paths"] += 1
            word = "pools" if pools else "no pool"
            for kind, most in zip(cell.KINDS, cell.MOST, strict=True):
                counts[f"log paths with {min(kinds[kind], most)} {kind}"] += 1
                counts[f"log {kind} on all paths"] += kinds[kind]
            for kind in cell.KINDS[:2]:
                counts[f"log paths with {kinds[kind]} {kind} and {word}"] += 1
        assert {n: v for n, v in said.items() if v > 1e-9} == pytest.approx(dict(+counts))


def test_what_does_not_reach_the_output_changes_nothing():
    dead = dict.fromkeys(EDGES, "none") | {(1, 4): "conv3x3", (1, 2): "skip", (2, 3): "conv1x1"}
    living = dict.fromkeys(EDGES, "none") | {(1, 4): "conv3x3"}
    pair = [cell_network(dead), cell_network(living)]
    for rows in (cell.graf(pair, OPERATIONS), cell.census(pair)):
        assert (rows[0] == rows[1]).all()


def test_thousands_of_shortcuts_stay_finite():
    shortcut = (Layer("conv", (3, 3)), Layer("add", inputs=(-1, -2)))
    doubled = (Layer("add", inputs=(-1, -1)),)
    skeleton = Skeleton(widths=(3,), blocks=(1,))
    networks = [
        Architecture((part * 1100 + (Layer("conv"),),), skeleton, INPUT)
        for part in (shortcut, doubled)
    ]
    x = Features("cell").fit(networks).matrix(networks)
    assert np.isfinite(x).all()


def test_many_operations_have_no_explosion_of_subsets():
    words = [f"op{i}" for i in range(cell.MOST_OPERATIONS)]
    assert len(cell.subsets(words)) < 100
    assert len(cell.subsets(words[:4])) == 15
    assert cell.subsets([]) == []


# What all sets keep to.

SPACES = {
    "block": lambda n: drawn(BlockSpace(), n),
    "cell": lambda n: drawn(CellSpace(), n),
    "macro": lambda n: drawn(MacroSpace(), n),
    "toy": toy_architectures,
}
SUITED = {"block": "summary", "cell": "graf", "macro": "positions", "toy": "summary"}
NAMES = ["auto", "basic", "chain", "grams", "cell", "positions"]
ALL = list(itertools.product(NAMES, SPACES))


@pytest.mark.parametrize(("name", "space"), ALL)
def test_a_row_depends_on_its_network_alone(name, space):
    networks = SPACES[space](12)
    features = Features(name).fit(networks[:8])
    together = features.matrix(networks)
    assert together.shape == (12, len(features.names))
    assert np.isfinite(together).all()
    alone = np.concatenate([features.matrix([each]) for each in networks])
    assert (alone == together).all()


@pytest.mark.parametrize(("name", "space"), ALL)
def test_state_is_plain_and_makes_the_same_features(name, space):
    networks = SPACES[space](8)
    features = Features(name).fit(networks)
    same = Features.from_state(json.loads(json.dumps(features.state())))
    assert same.names == features.names
    assert (same.matrix(networks) == features.matrix(networks)).all()


@pytest.mark.parametrize("space", SPACES)
def test_auto_takes_what_suits(space):
    state = Features().fit(SPACES[space](12)).state()
    assert SUITED[space] in state["words"]


def test_designs_of_one_network_each_are_no_places():
    space = BlockSpace(designs="per_stage").on(Input(3, 32, 32, 10))
    assert "positions" not in Features().fit(drawn(space, 10)).state()["words"]


def test_a_network_in_one_block_is_a_chain_whatever_its_shortcuts():
    layers = (Layer("conv", width=3), Layer("relu"), Layer("add", inputs=(-1, -3)))
    assert "summary" in Features().fit([plain(*layers)]).state()["words"]


@pytest.mark.parametrize("name", NAMES)
def test_columns_that_do_not_vary_are_left_out(name):
    networks = SPACES["macro"](20)
    x = Features(name).fit(networks).matrix(networks)
    assert (np.ptp(x, axis=0) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_network_has_features_too(name):
    network = plain(Layer("relu"))
    features = Features(name).fit([network])
    assert features.matrix([network]).shape == (1, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trained", SPACES)
def test_networks_of_another_space_are_no_trouble(name, trained):
    features = Features(name).fit(SPACES[trained](6))
    others = [plain(*CHAIN), plain(Layer("relu")), *SPACES["cell"](2), *SPACES["macro"](2)]
    x = features.matrix(others)
    assert x.shape == (6, len(features.names))
    assert np.isfinite(x).all()


def test_no_networks_no_rows():
    features = Features("basic").fit(SPACES["toy"](3))
    assert features.matrix([]).shape == (0, len(features.names))


def test_bad_names_and_empty_corpora_are_refused():
    with pytest.raises(InvalidOption, match="features must be one of auto, basic"):
        Features("colour")
    with pytest.raises(InvalidCorpus, match="at least one network"):
        Features().fit([])
    with pytest.raises(InvalidSurrogate, match="another version"):
        Features.from_state({"name": "auto", "words": {"smell": []}, "columns": []})
