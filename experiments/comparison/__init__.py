"""`nas compare`: several surrogates on the same splits of a corpus, with what each one costs."""

from experiments.comparison.compare import compare
from experiments.comparison.comparison import Comparison
from experiments.comparison.naming import describe

__all__ = ["Comparison", "compare", "describe"]
