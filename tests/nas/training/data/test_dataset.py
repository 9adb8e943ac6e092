from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas import Input
from nas.core.errors import InvalidData
from nas.training.data import DataSet
from nas.training.data.dataset import stratified


def arrays(count=20, shape=(4, 3), classes=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape), np.uint8), np.arange(count) % classes


def test_colour_images_become_channels_first():
    images, labels = arrays(shape=(4, 5, 3))
    data = DataSet.of("mine", (images, labels), arrays(6, (4, 5, 3)), arrays(8, (4, 5, 3)))
    assert data.input == Input(3, 4, 5, 2)
    assert data.train.images.shape == (20, 3, 4, 5)
    assert data.train.images.dtype == torch.uint8 and data.train.labels.dtype == torch.int64
    assert np.array_equal(data.train.images[7].permute(1, 2, 0).numpy(), images[7])
    assert (len(data.val.labels), len(data.test.labels)) == (6, 8)


def test_grey_images_get_a_channel():
    for shape in ((4, 3), (4, 3, 1)):
        assert DataSet.of("mine", arrays(shape=shape)).input == Input(1, 4, 3, 2)


def test_statistics_are_those_of_the_training_images():
    data = DataSet.of("mine", arrays(shape=(4, 5, 3)), arrays(6, (4, 5, 3), seed=1))
    pixels = data.train.images.double() / 255
    assert data.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())


def test_a_channel_of_one_value_is_left_as_it_is():
    data = DataSet.of("mine", (np.zeros((20, 2, 2), np.uint8), np.arange(20) % 2))
    assert (data.mean, data.std) == ((0.0,), (1.0,))


def test_a_tenth_of_each_class_validates_where_nothing_else_does():
    labels = np.repeat([0, 1, 2], [100, 30, 4])
    images = np.arange(134, dtype=np.uint8)[:, None, None]
    data, again = (DataSet.of("mine", (images, labels)) for _ in range(2))
    assert torch.bincount(data.val.labels).tolist() == [10, 3, 1]
    both = torch.cat([data.train.images, data.val.images]).flatten()
    assert sorted(both.tolist()) == list(range(134))
    assert torch.equal(data.val.images, again.val.images)
    assert data.test is None


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.floats(0.01, 0.9))
def test_a_stratified_split_takes_the_share_of_each_class(labels, share):
    labels = np.array(labels)
    rest, taken = stratified(labels, share, 0)
    assert sorted([*rest, *taken]) == list(range(len(labels)))
    for label in set(labels.tolist()):
        count = (labels == label).sum()
        assert (labels[taken] == label).sum() == max(1, int(count * share + 0.5))


def test_the_digest_tells_every_image_label_and_part():
    data = DataSet.of("mine", arrays(), arrays(6, seed=1), arrays(6, seed=2))
    swapped = replace(data, val=data.test, test=data.val)
    image = data.test.images.clone()
    image[0, 0, 0, 0] ^= 1
    pixel = replace(data, test=data.test._replace(images=image))
    digests = {each.digest for each in (data, swapped, pixel, replace(data, test=None))}
    assert len(digests) == 4
    assert data.digest == data.to(torch.device("cpu")).digest == replace(data, name="b").digest


def test_moving_to_where_it_lies_copies_nothing():
    data = DataSet.of("mine", arrays())
    assert data.to(torch.device("cpu")).train.images is data.train.images


GOOD = arrays()
BAD = {
    "floats": ((GOOD[0] / 255, GOOD[1]), "train_images must be uint8 of shape .*got float64"),
    "not a number": ((GOOD[0] * np.nan, GOOD[1]), "train_images must be uint8"),
    "channels first": (arrays(shape=(3, 8, 8)), r"must be uint8 of shape .*\(20, 3, 8, 8\)"),
    "two channels": (arrays(shape=(4, 4, 2)), r"must be uint8 of shape .*\(20, 4, 4, 2\)"),
    "flat": (arrays(shape=(16,)), r"must be uint8 of shape .*\(20, 16\)"),
    "no image": ((GOOD[0][:0], GOOD[1][:0]), r"must be uint8 of shape .*\(0, 4, 3\)"),
    "labels that are missing": ((GOOD[0], GOOD[1][1:]), r"each of the 20 images.*\(19,\)"),
    "labels that are floats": ((GOOD[0], GOOD[1] * 1.5), "must be whole numbers.*float64"),
    "one-hot labels": ((GOOD[0], np.eye(2, dtype=int)[GOOD[1]]), r"got int64 \(20, 2\)"),
    "negative labels": ((GOOD[0], GOOD[1] - 1), "train_labels must be 0, 1, .*got -1, 0"),
    "labels from 1": ((GOOD[0], GOOD[1] + 1), "train_labels must be 0, 1, .*got 1, 2"),
    "one class": ((GOOD[0], GOOD[1] * 0), "at least two.*got 0"),
    "many gaps": ((GOOD[0], np.arange(20) * 2), r"got 0, 2, 4, 6, \.\.\., 34, 36, 38"),
    "one image of a class": (
        (GOOD[0], (np.arange(20) == 3) * 1),
        "each class must have at least 2 training images.*class 1 has 1",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_training_images_are_refused_in_one_line(case):
    train, message = BAD[case]
    with pytest.raises(InvalidData, match=message) as error:
        DataSet.of("mine", train)
    assert str(error.value).startswith("mine: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("part", ["val", "test"])
def test_other_parts_must_be_like_the_training_images(part):
    with pytest.raises(InvalidData, match=rf"{part}_images must have the size .*\(1, 4, 4\)"):
        DataSet.of("mine", GOOD, **{part: arrays(shape=(4, 4))})
    with pytest.raises(InvalidData, match=rf"{part}_labels must lie in 0\.\.1.*got 0\.\.2"):
        DataSet.of("mine", GOOD, **{part: arrays(classes=3)})
