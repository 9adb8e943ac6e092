"""The page's figures, as Plotly figures."""

from experiments.report.figures.insight import feature_map, heat_strip
from experiments.report.figures.networks import (
    MOST_CURVES,
    accuracy_against_cost,
    learning_curves,
)
from experiments.report.figures.predictions import (
    MOST_POINTS,
    ends_of,
    is_beyond,
    predicted_against_real,
    sample_efficiency,
)
from experiments.report.figures.searches import regret_curves
from experiments.report.figures.style import describe, plain, write_picture
from experiments.report.figures.transfers import beside, top1_by_epoch

__all__ = [
    "MOST_CURVES",
    "MOST_POINTS",
    "accuracy_against_cost",
    "beside",
    "describe",
    "ends_of",
    "feature_map",
    "heat_strip",
    "is_beyond",
    "learning_curves",
    "plain",
    "predicted_against_real",
    "regret_curves",
    "sample_efficiency",
    "top1_by_epoch",
    "write_picture",
]
