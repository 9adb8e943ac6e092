"""Batches that go on anywhere, whoever reads them, however they are split."""

import pytest
import torch

from nas.core.errors import InvalidData
from nas.training.data.streamed_batches import (
    Drawn,
    Everything,
    Order,
    Share,
    StreamedBatches,
    Views,
)
from nas.training.data.streaming import augmentation, stream_data


def indices(order):
    return [[drawn.image for drawn in batch] for batch in order]


def epochs(order, number):
    """The batches of several epochs, counted as `StreamedBatches` does."""
    found = []
    for _ in range(number):
        batches = list(order)
        order.taken += len(batches)
        found.append(batches)
    return found


def test_an_epoch_is_a_shuffle_of_whole_steps():
    order = Order(23, 6, 2, seed=3, share=Share())
    first, second = epochs(order, 2)
    assert len(first) == len(order) == 6
    assert all(len(batch) == 3 for batch in first)
    for number, epoch in enumerate((first, second)):
        seen = [drawn for batch in epoch for drawn in batch]
        assert {drawn.epoch for drawn in seen} == {number}
        assert len({drawn.image for drawn in seen}) == 18
        assert max(drawn.image for drawn in seen) < 23
    assert [d.image for b in first for d in b] != [d.image for b in second for d in b]
    assert epochs(Order(23, 6, 2, seed=3, share=Share()), 2) == [first, second]
    assert list(Order(23, 6, 2, seed=4, share=Share())) != first


@pytest.mark.parametrize("taken", range(13))
def test_it_goes_on_anywhere(taken):
    whole = [batch for epoch in epochs(Order(23, 6, 2, 0, Share()), 4) for batch in epoch]
    order = Order(23, 6, 2, 0, Share(), taken)
    rest = [batch for epoch in epochs(order, 2) for batch in epoch]
    assert rest == whole[taken : taken + len(rest)]
    assert order.taken % 6 == 0


@pytest.mark.parametrize(("world", "accumulate"), [(2, 1), (3, 1), (1, 3), (2, 3)])
def test_a_step_sees_the_same_images_however_it_is_split(world, accumulate):
    alone = indices(Order(40, 12, 1, 0, Share()))
    shares = [indices(Order(40, 12, accumulate, 0, Share(r, world))) for r in range(world)]
    for step, images in enumerate(alone):
        mine = slice(step * accumulate, (step + 1) * accumulate)
        split = [batch[at] for at in range(accumulate) for batch in (s[mine] for s in shares)]
        assert {len(part) for part in split} == {12 // world // accumulate}
        assert [image for part in split for image in part] == images


@pytest.mark.parametrize(("count", "size", "world"), [(10, 4, 1), (10, 4, 3), (7, 7, 2), (3, 9, 3)])
def test_every_image_is_judged_once(count, size, world):
    shares = [list(Everything(count, size, Share(rank, world))) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    assert {len(Everything(count, size, Share(r, world))) for r in range(world)} == {len(shares[0])}
    batches = [batch for share in shares for batch in share]
    assert sorted(drawn.image for batch in batches for drawn in batch) == list(range(count))
    assert all(1 <= len(batch) <= size for batch in batches)


@pytest.fixture(scope="module")
def views():
    data = stream_data("digits")
    return Views(data.train, augmentation(data, ("crop", "flip"), 0.3), seed=1)


def test_how_an_image_looks_depends_on_epoch_and_number_alone(views):
    state = torch.get_rng_state()
    image, label = views[Drawn(2, 5)]
    torch.manual_seed(99)
    again, _ = views[Drawn(2, 5)]
    assert torch.equal(image, again) and isinstance(label, int)
    others = [views[Drawn(3, 5)][0], views[Drawn(2, 5)][0]]
    assert [torch.equal(each, image) for each in others] == [False, True]
    torch.set_rng_state(state)
    views[Drawn(0, 0)]
    assert torch.equal(torch.get_rng_state(), state)


def read(views, workers, taken=0, steps=6):
    batches = StreamedBatches(views, Order(40, 8, 1, 0, Share(), taken), workers, pin=False)
    try:
        found = []
        while len(found) < steps:
            found += list(batches)
        return found[:steps]
    finally:
        batches.close()


def test_worker_processes_change_nothing(views):
    alone = read(views, 0)
    for workers, taken in ((1, 0), (2, 0), (2, 3)):
        there = read(views, workers, taken, steps=6 - taken)
        for mine, other in zip(alone[taken:], there, strict=True):
            assert torch.equal(mine.images, other.images)
            assert torch.equal(mine.labels, other.labels)


class Broken:
    """A source whose last image cannot be read."""

    labels = (0, 1, 0, 1)

    def __len__(self):
        return 4

    def read(self, index):
        if index == 3:
            raise InvalidData("mine: image 3 is broken")
        return torch.zeros(1, 2, 2, dtype=torch.uint8)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_read_is_told_in_one_line(workers):
    views = Views(Broken(), lambda image: image, seed=0)
    batches = StreamedBatches(views, Everything(4, 2, Share()), workers, pin=False)
    assert len(batches) == 2
    with pytest.raises(InvalidData) as error:
        list(batches)
    batches.close()
    assert str(error.value) == "mine: image 3 is broken"
