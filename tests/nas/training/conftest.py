import numpy as np
import pytest
import torch

from nas.training.data import DataSet


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data():
    """Two classes, of dark and of bright images; 65 to train on, so that one is left over."""
    rng = np.random.default_rng(0)

    def part(count):
        labels = rng.permutation(np.arange(count) % 2)
        return (rng.integers(0, 160, (count, 6, 5)) + 90 * labels[:, None, None]).astype(
            np.uint8
        ), labels

    return DataSet.of("two", part(65), part(40), part(41))
