"""`nas search`: propose, train, fit again; for real, or over a table of recorded trainings."""

from experiments.searching.verb import search

__all__ = ["search"]
