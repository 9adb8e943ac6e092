"""A data set whose networks are trained in an instant."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def few_digits(path: Path, number: int = 150) -> None:
    """Writes so many training images of digits, and a third of that to test, as npz."""
    raw = load_digits()
    images, labels = raw.images.astype(np.uint8), raw.target
    end = number + number // 3
    parts = {"train": slice(number), "test": slice(number, end)}
    arrays = {f"{part}_images": images[places] for part, places in parts.items()}
    arrays |= {f"{part}_labels": labels[places] for part, places in parts.items()}
    np.savez(path, **arrays)
