"""The page's figures, as Plotly figures."""

from experiments.report.figures.insight import feature_map, heat_strip
from experiments.report.figures.networks import (
    MOST_CURVES,
    accuracy_against_cost,
    learning_curves,
)
from experiments.report.figures.predictions import (
    ends_of,
    predicted_against_real,
    sample_efficiency,
)
from experiments.report.figures.searches import regret_curves
from experiments.report.figures.style import describe, write_picture

__all__ = [
    "MOST_CURVES",
    "accuracy_against_cost",
    "describe",
    "ends_of",
    "feature_map",
    "heat_strip",
    "learning_curves",
    "predicted_against_real",
    "regret_curves",
    "sample_efficiency",
    "write_picture",
]
