"""Columns brought to one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Standard:
    """Mean and deviation of columns; a column that does not vary becomes zero.

    Attributes:
        mean: (columns,).
        std: (columns,), 1 where a column does not vary.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Standard:
        """Those of rows (n, columns)."""
        std = rows.std(axis=0)
        return cls(rows.mean(axis=0), np.where(std > 1e-12, std, 1.0))

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Rows with mean 0 and deviation 1."""
        return np.asarray((rows - self.mean) / self.std)
