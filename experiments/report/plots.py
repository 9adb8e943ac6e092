"""Sections made of figures alone."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.report import figures
from experiments.report.content import Content
from experiments.report.parts import Plot, Plots, Section
from experiments.report.readers import Points
from nas.core import metrics


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
    ends = figures.ends_of([point for *_, points in scored for point in points])
    plots = [
        Plot(
            figures.predicted_against_real(points, place, ends),
            f"{name}: tau {tau:.2f}, mean error {error:.4f}{_left_out(points, ends)}",
        )
        for place, (tau, error, name, points) in enumerate(scored)
    ]
    words = ["Every point is a network that the surrogate had not seen when it was fitted."]
    if content.comparison is not None:
        words.append(
            "This is one split, or one seed; the comparison has the means over all, so its tau is "
            "another."
        )
    yield Section("Predicted against real", words, [Plots(plots)])


def _left_out(points: Points, ends: tuple[float, float]) -> str:
    """What a figure of these points does not show as it is."""
    words = []
    if len(points) > figures.MOST_POINTS:
        words.append(f"drawn are {figures.MOST_POINTS:,} of {len(points):,} networks")
    if beyond := sum(figures.is_beyond(point, ends) for point in points):
        words.append(f"{beyond:,} predicted beyond the edge, drawn on it")
    return "".join(f"; {each}" for each in words)


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
    yield Section(
        "Learning curves", words, [Plot(figures.learning_curves(corpus), "validation accuracy")]
    )


def costs(content: Content) -> Iterator[Section]:
    """Accuracy against what it costs."""
    corpus = content.corpus
    if corpus is None or content.finished is None:
        return
    words = ["Each network once; the line joins those that no cheaper one beats."]
    plots = [
        Plot(figures.accuracy_against_cost(corpus, "macs"), "by multiply-accumulates"),
        Plot(figures.accuracy_against_cost(corpus, "params"), "by parameters"),
    ]
    yield Section("Accuracy against cost", words, [Plots(plots)])
