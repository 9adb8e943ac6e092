"""`nas report`: one self-contained HTML page of a run folder."""

from experiments.report.page import report, write_report

__all__ = ["report", "write_report"]
