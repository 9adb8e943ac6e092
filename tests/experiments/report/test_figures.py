"""Figures: what they hold, and axes that can be read."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.report import figures
from experiments.report.figures.networks import MOST_CURVES, MOST_EPOCHS
from experiments.report.figures.style import colorscale, cost_axis
from nas import Architecture, Corpus, LearningCurve
from nas.testing import toy_corpus
from tests.experiments.report import material


def points(number):
    return [{"key": str(i), "real": i / number, "predicted": 0.5} for i in range(number)]


def curves_of(figure):
    """The curves of merged traces, by key."""
    found = {}
    for trace in figure.data:
        for epoch, value, key in zip(trace.x, trace.y, trace.customdata, strict=True):
            if epoch is not None:
                found.setdefault(key, []).append((epoch, value))
    return found


def test_learning_curves_are_those_of_the_corpus_in_few_traces():
    corpus = toy_corpus(30)
    figure = figures.learning_curves(corpus)
    assert len(figure.data) == 10
    told = {
        r.architecture.key: [(e, round(a, 5)) for e, a in enumerate(r.curve, start=1)]
        for r in corpus
    }
    assert curves_of(figure) == told
    ends = [max(v for v in trace.y if v is not None) for trace in figure.data]
    assert ends[-1] > ends[0]


def test_of_many_curves_some_are_drawn_the_ends_among_them():
    corpus = toy_corpus(MOST_CURVES + 50, epochs=MOST_EPOCHS * 3)
    drawn = curves_of(figures.learning_curves(corpus))
    assert len(drawn) == MOST_CURVES
    ranked = sorted(corpus, key=lambda record: record.curve[-1])
    assert {ranked[0].architecture.key, ranked[-1].architecture.key} <= set(drawn)
    longest = drawn[ranked[-1].architecture.key]
    assert len(longest) <= MOST_EPOCHS
    assert (longest[0][0], longest[-1][0]) == (1, 3 * MOST_EPOCHS)


def test_a_diverged_network_ends_where_it_ended():
    corpus = Corpus(toy_corpus(3).header, toy_corpus(3)[2:])
    (curve,) = curves_of(figures.learning_curves(corpus)).values()
    assert curve == [(1, 0.2), (2, 0.1)]


@pytest.mark.parametrize(
    ("costs", "kind", "dtick"),
    [
        ([100, 900], "linear", None),
        ([100, 5_000], "log", "D2"),
        ([100, 5_000_000], "log", 1),
        ([0, 5_000], "linear", None),
        ([7], "linear", None),
    ],
)
def test_an_axis_of_costs_is_logarithmic_from_a_decade_on(costs, kind, dtick):
    figure = figures.predicted_against_real(points(3))
    cost_axis(figure, costs)
    assert (figure.layout.xaxis.type or "linear") == kind
    assert figure.layout.xaxis.dtick == dtick
    assert figure.layout.xaxis.tickformat == "~s"


@pytest.mark.parametrize("cost", ["macs", "params"])
def test_accuracy_against_cost_tells_proposed_networks_from_random_ones(cost):
    corpus = material.corpus()
    random, proposed, front = figures.accuracy_against_cost(corpus, cost).data
    assert (random.name, len(random.x)) == ("at random", 22)
    assert (proposed.name, len(proposed.x)) == ("proposed", 2)
    assert list(front.y) == sorted(front.y)
    by_key = {record.architecture.key: record for record in corpus}
    assert [getattr(by_key[key], cost) for key in random.customdata] == list(random.x)
    elsewhere = replace(corpus, header=replace(corpus.header, source="A table"))
    assert figures.accuracy_against_cost(elsewhere, cost).data[0].name == "networks"


def test_of_many_predictions_some_are_drawn():
    _, drawn = figures.predicted_against_real(points(figures.MOST_POINTS + 5)).data
    assert len(drawn.x) == len(set(drawn.customdata)) == figures.MOST_POINTS


def test_axes_can_be_shared():
    figure = figures.predicted_against_real(points(3), ends=(0.0, 1.0))
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (-0.04, 1.04)
    assert figures.ends_of(points(4)) == (0.0, 0.75)
    assert figures.ends_of(points(1)) == (0.0, 0.01)
    told = points(5)  # real from 0 to 0.8
    told[1]["predicted"], told[2]["predicted"] = -0.1, 7.0
    assert figures.ends_of(told) == pytest.approx((-0.1, 1.0))


def test_one_wild_prediction_is_pinned_to_the_edge():
    told = points(4)
    told[0]["predicted"], told[3]["predicted"] = -40.0, 1e6
    figure = figures.predicted_against_real(told)
    _, inside, beyond = figure.data
    assert list(inside.customdata) == ["1", "2"]
    low, high = figures.ends_of(told)
    assert list(beyond.x) == [low, high] and -1 < low and high < 2
    assert list(beyond.marker.symbol) == ["triangle-left-open", "triangle-right-open"]
    assert ["-40" in beyond.hovertemplate[0], "1e+06" in beyond.hovertemplate[1]] == [True, True]
    left, right = figure.layout.xaxis.range
    assert left < low and high < right


def test_names_are_no_markup_to_plotly():
    rows = [{"surrogate": "<b>Mine</b>", "train_size": 3, "kendall_tau": 0.5}]
    assert figures.sample_efficiency(rows).data[0].name == "&lt;b&gt;Mine&lt;/b&gt;"
    told = material.searched()
    told["rows"][0]["method"] = "a<br>b"
    assert figures.regret_curves(told).data[1].name == "a&lt;br&gt;b"
    strip = figures.heat_strip(np.zeros((1, 1)), ["<i>"], ["<i> · cell 3"])
    assert strip.data[0].y == ("&lt;i&gt; · cell 3",)
    assert strip.layout.xaxis.ticktext == ("&lt;i&gt;",)


def test_an_architecture_on_hover_is_cut_where_it_is_long():
    network = toy_corpus(3)[0].architecture
    assert figures.describe(network).startswith(network.key)
    assert f"{network.macs:,} MACs" in figures.describe(network)
    long = Architecture((network.blocks[0] * 40,), network.skeleton, network.input)
    assert figures.describe(long).count("<br>") < 12


def test_a_heat_strip_has_a_row_a_cell_and_a_column_a_layer():
    states = np.array([[0.5, -0.5, 0.25], [0.0, 0.1, 0.2]])
    figure = figures.heat_strip(states, ["conv3x3", "bn", "bn"], ["conv", "batch_norm"])
    (strip,) = figure.data
    assert np.array_equal(strip.z, states)
    assert list(figure.layout.xaxis.ticktext) == ["conv3x3", "bn", "bn"]
    assert strip.zmin == -strip.zmax


def test_networks_that_were_not_seen_are_diamonds():
    seen = np.array([True, False])
    figure = figures.feature_map(np.zeros((2, 2)), np.array([0.1, 0.2]), ["a", "b"], seen)
    assert list(figure.data[0].marker.symbol) == ["circle", "diamond"]


def test_a_color_scale_goes_from_0_to_1():
    assert [place for place, _ in colorscale(("a", "b", "c"))] == [0, 0.5, 1]


def test_a_curve_of_one_epoch_is_a_point():
    record = replace(toy_corpus(4)[3], curve=LearningCurve((0.5,)))
    figure = figures.learning_curves(Corpus(toy_corpus(3).header, (record,)))
    assert figure.data[0].mode == "markers"
    assert tuple(figure.layout.xaxis.range) == (0.5, 1.5)
