"""The data sets and corpora of the project's own."""

import numpy as np
import pytest

from experiments.corpora.images import shrunk, smaller
from nas.core.errors import InvalidOption
from nas.training.data import DataSet, load_data


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    parts = [
        (rng.integers(256, size=(count, 4, 4, 3), dtype=np.uint8), np.arange(count) % 5)
        for count in (50, 30)
    ]
    return DataSet.of("small", parts[0], test=parts[1])


def test_a_smaller_set_has_as_many_images_of_each_class(data, tmp_path):
    arrays = smaller(data, size=2, train=20, val=10, test=5)
    np.savez(tmp_path / "small.npz", **arrays)
    made = load_data(f"npz:{tmp_path / 'small.npz'}")
    assert made.input == data.input._replace(height=2, width=2)
    for part, count in ((made.train, 4), (made.val, 2), (made.test, 1)):
        assert part.labels.bincount().tolist() == [count] * 5


def test_no_validation_image_is_trained_on(data):
    arrays = smaller(data, size=4, train=20, val=10, test=5)
    learnt, held_out = ({i.tobytes() for i in arrays[f"{p}_images"]} for p in ("train", "val"))
    assert len(learnt) == 20 and len(held_out) == 10 and not learnt & held_out


def test_pixels_are_means():
    images = np.array([[[[0, 1, 10, 20], [2, 3, 30, 41]]]], np.uint8)
    with pytest.raises(InvalidOption, match="--size must divide 2 and 4, but got 3"):
        shrunk(images, 3)
    images = np.concatenate([images, images + 100], axis=2)
    assert shrunk(images, 2).tolist() == [[[2, 25], [102, 125]]]


@pytest.mark.parametrize("counts", [(7, 5, 5), (50, 5, 5), (5, 5, 100), (0, 5, 5)])
def test_more_than_there_is_is_refused(data, counts):
    with pytest.raises(InvalidOption, match="multiples of the 5 classes"):
        smaller(data, 4, *counts)
