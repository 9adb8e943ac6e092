"""What the page says of a Peephole: which cells, on which networks, and how sure."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.folder import RunFolder
from experiments.report import insight
from experiments.report.content import Content
from experiments.report.parts import Plot, Plots
from nas import Corpus
from nas.testing import toy_corpus
from surrogates import Calibrated, Constant, Ensemble, Peephole
from tests.experiments.report.material import SMALL

CORPUS = toy_corpus(40)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def peephole():
    return Peephole(**SMALL).fit(CORPUS[:20])


def sections(peephole, corpus=CORPUS, fitted=CORPUS):
    content = Content(RunFolder(None), corpus, surrogate=peephole, fitted=fitted)
    return {section.title: section for section in insight.learnt(content)}


def said_of_map(*asked):
    return " ".join(sections(*asked)["Its map of the networks"].words)


def valued(networks, values):
    """A corpus of these networks with other accuracies."""
    records = [
        replace(record, target=float(value)) for record, value in zip(networks, values, strict=True)
    ]
    return Corpus(CORPUS.header, tuple(records))


def test_the_words_tell_what_the_predictor_had_seen(peephole):
    assert "It was fitted to all these networks" in said_of_map(peephole)
    unknown = said_of_map(peephole, CORPUS, None)
    assert "does not tell which" in unknown and "Diamonds" not in unknown
    some = said_of_map(peephole, CORPUS, CORPUS[:35])
    assert "fitted to 35 of these 40" in some and "Diamonds" in some
    assert "new ones alone" not in some, "five are too few for a test"
    many = said_of_map(peephole, CORPUS, CORPUS[:20])
    assert "Of the new ones alone" in many and many.count("shuffles") == 2
    none = said_of_map(peephole, CORPUS[20:], CORPUS[:20])
    assert "fitted to none of these networks" in none and none.count("shuffles") == 1


def test_equal_networks_have_no_map(peephole):
    """t-SNE ends the process where all rows are equal."""
    same = [replace(CORPUS[0], seed=seed) for seed in range(30)]
    assert "Its map of the networks" not in sections(peephole, Corpus(CORPUS.header, tuple(same)))
    few = [*CORPUS[:5], *same]
    assert "Its map of the networks" not in sections(peephole, Corpus(CORPUS.header, tuple(few)))


def test_networks_that_it_cannot_tell_apart_have_no_map(peephole, monkeypatch):
    monkeypatch.setattr(
        "surrogates.peephole.insight.structural_features", lambda _, each: np.ones((len(each), 4))
    )
    assert "Its map of the networks" not in sections(peephole)


def test_few_networks_are_not_read_for_a_map(peephole, monkeypatch):
    monkeypatch.setattr("surrogates.peephole.insight.structural_features", lambda *_: 1 / 0)
    assert "Its map of the networks" not in sections(peephole, CORPUS[:5])


def test_repeated_networks_with_random_targets_give_no_small_p(peephole, monkeypatch):
    """Each network three times: as points of their own they would be their own neighbours."""
    found = []
    true = insight.neighbour_test
    monkeypatch.setattr(
        insight, "neighbour_test", lambda *asked: found.append(true(*asked)) or found[-1]
    )
    for _ in range(5):
        repeated = [record for record in CORPUS for _ in range(3)]
        sections(peephole, valued(repeated, np.repeat(RNG.random(40), 3)))
        tripled = [replace(record, seed=n) for n, record in enumerate(repeated)]
        corpus = valued(tripled, np.repeat(RNG.random(40), 3))
        corpus = Corpus(
            corpus.header,
            tuple(replace(r, hyperparameters={"try": n}) for n, r in enumerate(corpus)),
        )
        sections(peephole, corpus)
    p_values = [each.p_value for each in found]
    assert len(p_values) == 10
    assert 0.15 < np.mean(p_values) and min(p_values) > 0.005


def test_a_network_of_several_trainings_is_one_point_with_their_mean(peephole):
    records = [replace(CORPUS[0], seed=9, target=0.9, hyperparameters={"lr": 1}), *CORPUS]
    first = CORPUS[0].target
    (plots,) = sections(peephole, Corpus(CORPUS.header, tuple(records)))[
        "Its map of the networks"
    ].parts
    (trace,) = plots.plots[0].figure.data
    place = list(trace.customdata).index(CORPUS[0].architecture.key)
    assert len(trace.x) == 40
    assert trace.marker.color[place] == pytest.approx((first + 0.9) / 2)


def test_of_many_networks_some_are_drawn_and_that_is_told(peephole, monkeypatch):
    monkeypatch.setattr(insight, "MOST", 30)
    shown = sections(peephole)["Its map of the networks"]
    assert "Drawn are 30 of 40 networks" in shown.words[0]
    assert len(shown.parts[0].plots[0].figure.data[0].x) == 30


def cells_of(peephole, monkeypatch, cells, corpus=CORPUS):
    monkeypatch.setattr("surrogates.peephole.insight.named_cells", lambda *_: cells)
    *strips, table = sections(peephole, corpus)["What the cells answer to"].parts
    return strips, table


def test_a_strip_shows_what_stands_in_its_block_and_is_clear_enough(peephole, monkeypatch):
    from surrogates.peephole.insight import NamedCell, responses

    cells = [
        NamedCell("conv", 1, -0.8, 0.1, 0.5),
        NamedCell("relu", 2, 0.2, 0.0, 1.0),
        NamedCell("max_pool", 3, 0.9, 0.0, 1.0),
    ]
    strips, table = cells_of(peephole, monkeypatch, cells)
    assert [row[0] for row in table.cells] == ["conv", "relu", "max_pool"]
    assert strips and all(isinstance(each, Plot) for each in strips)
    best = CORPUS.best(1)[0].architecture
    (heat,) = strips[0].figure.data
    assert list(heat.y) == ["conv · cell 1"]
    start = len(best.skeleton.stem) if best.skeleton.widths else 0
    states = responses(peephole, best)[start : start + len(best.blocks[0]), 1]
    np.testing.assert_allclose(np.array(heat.z)[0], -(states - 0.1) / 0.5, atol=1e-3)


def test_a_long_block_is_cut_and_that_is_told(peephole, monkeypatch):
    from surrogates.peephole.insight import NamedCell

    monkeypatch.setattr(insight, "_LAYERS", 2)
    long = [record for record in CORPUS if len(record.architecture.blocks[0]) > 2]
    strips, _ = cells_of(
        peephole,
        monkeypatch,
        [NamedCell(op, 1, 0.8, 0.0, 1.0) for op in ("conv", "relu", "tanh")],
        Corpus(CORPUS.header, tuple(long)),
    )
    assert strips and all("the first 2 of its" in strip.caption for strip in strips)
    assert all(len(strip.figure.data[0].x) == 2 for strip in strips)


@pytest.mark.parametrize(
    "wrapped",
    [Calibrated(Peephole(**SMALL), folds=2), Ensemble([Constant(), Peephole(**SMALL)], folds=2)],
)
def test_a_peephole_inside_another_surrogate_is_looked_into(wrapped):
    shown = sections(wrapped.fit(CORPUS[:12]), CORPUS[:12], None)
    told = shown["What the cells answer to"].words[0]
    assert f"in the {type(wrapped).__name__}" in told
    assert isinstance(shown["Its map of the networks"].parts[0], Plots)


def test_other_surrogates_have_no_cells():
    assert sections(Constant().fit(CORPUS)) == {}


def test_networks_that_it_cannot_tell_apart_are_one_in_the_test(peephole, monkeypatch):
    """Else the neighbours of each would be its own likes, whose values are alike here."""
    rows = RNG.normal(size=(14, 6))
    monkeypatch.setattr(
        "surrogates.peephole.insight.structural_features",
        lambda _, each: np.repeat(rows, 3, axis=0)[: len(each)],
    )
    found = []
    true = insight.neighbour_test
    monkeypatch.setattr(
        insight, "neighbour_test", lambda *asked: found.append(true(*asked)) or found[-1]
    )
    for _ in range(6):
        sections(peephole, valued(CORPUS, np.repeat(RNG.random(14), 3)[:40]))
    assert 0.15 < np.mean([each.p_value for each in found])
