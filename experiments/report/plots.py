"""Sections made of figures alone."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.report import figures
from experiments.report.content import Content
from experiments.report.parts import Plot, Plots, Section
from nas.core import metrics

MOST = 12
"""Surrogates with a figure of their own."""


def predictions(content: Content) -> Iterator[Section]:
    """Predicted against real accuracies, a figure a surrogate, all on the same axes."""
    scored = []
    for name, points in content.predictions.items():
        real = [point["real"] for point in points]
        said = [point["predicted"] for point in points]
        scored.append((metrics.kendall_tau(real, said), metrics.mae(real, said), name, points))
    if not scored:
        return
    scored.sort(key=lambda each: -each[0])
    ends = figures.ends_of([point for *_, points in scored[:MOST] for point in points])
    plots = [
        Plot(
            figures.predicted_against_real(points, place, ends),
            f"{name}: tau {tau:.2f}, mean error {error:.4f}",
        )
        for place, (tau, error, name, points) in enumerate(scored[:MOST])
    ]
    words = ["Every point is a network that the surrogate had not seen when it was fitted."]
    if content.comparison is not None:
        words.append(
            "This is one split, or one seed; the comparison has the means over all, so its tau is "
            "another."
        )
    yield Section("Predicted against real", words, [Plots(plots)])


def curves(content: Content) -> Iterator[Section]:
    """The learning curves."""
    corpus = content.corpus
    if corpus is None or not corpus.epochs:
        return
    words = ["Validation accuracy after each epoch, from blue to orange by where it ended."]
    number = sum(bool(record.curve) for record in corpus)
    if number > figures.MOST_CURVES:
        words.append(
            f"Drawn are {figures.MOST_CURVES} of {number:,} networks, evenly spaced by where they "
            "ended."
        )
    yield Section("Learning curves", words, [Plot(figures.learning_curves(corpus))])


def costs(content: Content) -> Iterator[Section]:
    """Accuracy against what it costs."""
    finished = content.finished
    if finished is None:
        return
    words = ["Each network once; the line joins those that no cheaper one beats."]
    plots = [
        Plot(figures.accuracy_against_cost(finished, "macs"), "by multiply-accumulates"),
        Plot(figures.accuracy_against_cost(finished, "params"), "by parameters"),
    ]
    yield Section("Accuracy against cost", words, [Plots(plots)])
