"""How good a network really is: by training it, from a table, from a function."""

from nas.evaluators.function import FunctionEvaluator
from nas.evaluators.table import TabularEvaluator
from nas.evaluators.training import TrainingEvaluator

__all__ = ["FunctionEvaluator", "TabularEvaluator", "TrainingEvaluator"]
