import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.training.data import Batches, Images
from nas.training.data.batches import augmented


def numbered(count, size=8, channels=1):
    """Images that hold their own number."""
    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1)
    return Images(images.expand(-1, channels, size, size).contiguous(), torch.arange(count))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_without_a_generator_the_order_is_kept():
    batches = Batches(numbered(7), 3)
    assert len(batches) == 3
    assert [batch.labels.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(2, 12))
def test_an_epoch_has_each_image_once_but_never_one_alone(count, size):
    batches = Batches(numbered(count), size, generator())
    sizes = [len(batch.labels) for batch in batches]
    assert len(sizes) == len(batches)
    assert min(sizes) > 1 and max(sizes) <= size
    labels = torch.cat([batch.labels for batch in batches]).tolist()
    assert len(set(labels)) == len(labels) == count - (count % size == 1)


def test_each_epoch_has_another_order_and_the_seed_decides():
    batches = Batches(numbered(50), 50, generator(1))
    (first,), (second,) = batches, batches
    assert first.labels.tolist() != second.labels.tolist()
    again = Batches(numbered(50), 50, generator(1))
    assert [batch.labels.tolist() for _ in range(2) for batch in again] == [
        first.labels.tolist(),
        second.labels.tolist(),
    ]


def test_images_keep_their_labels():
    for augment in ((), ("crop", "flip")):
        (batch,) = Batches(numbered(30), 30, generator(), augment)
        assert batch.images.dtype == torch.uint8
        assert batch.images[:, 0, 4, 4].tolist() == batch.labels.tolist()


def shifted(image, down, right):
    """One image moved up and left, by the definition."""
    _, height, width = image.shape
    out = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                out[:, row, column] = image[:, row + down, column + right]
    return out


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.booleans()), min_size=1))
def test_augmentation_shifts_and_mirrors(moves):
    images = torch.randint(256, (len(moves), 3, 6, 5), dtype=torch.uint8, generator=generator())
    shifts = torch.tensor([move[:2] for move in moves])
    flips = torch.tensor([move[2] for move in moves])
    out = augmented(images, shifts, flips)
    for image, (down, right, flip), got in zip(images, moves, out, strict=True):
        expected = shifted(image, down, right)
        assert torch.equal(got, expected.flip(2) if flip else expected)


@pytest.mark.parametrize(("size", "most"), [(8, 1), (27, 1), (28, 4), (32, 4)])
def test_crops_shift_as_far_as_the_size_allows(size, most):
    _, shifts, flips = Batches(numbered(200, size), 10, generator(), ("crop",))._draw(generator())
    assert (shifts.min(), shifts.max()) == (-most, most)
    assert not flips.any()


def test_flips_mirror_about_half():
    _, shifts, flips = Batches(numbered(200), 10, generator(), ("flip",))._draw(generator())
    assert not shifts.any()
    assert 70 < flips.sum() < 130
