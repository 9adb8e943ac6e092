"""Data sets that are read image by image: what they feed, and what is wrong with them."""

import numpy as np
import pytest
import torch
from PIL import Image

from nas import Input
from nas.core.errors import InvalidData, InvalidOption
from nas.training.data.folders import check_images, read_folders
from nas.training.data.streaming import PHOTO_MEAN, as_seen, augmentation, stream_data

KINDS = ("ant", "bee", "cat")


@pytest.fixture
def folder(tmp_path):
    """Three classes of coloured images of several sizes, JPEGs all but one."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 4), ("val", 2)):
        for kind in KINDS:
            place = tmp_path / part / kind
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (20 + number, 30, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.jpg")
    Image.new("L", (30, 20), 7).save(tmp_path / "train" / "ant" / "grey.png")
    return tmp_path


def refused(folder, match):
    with pytest.raises(InvalidData, match=match) as error:
        stream_data(f"folder:{folder}").check()
    assert "\n" not in str(error.value)


def test_a_folder_feeds_coloured_images_of_one_size(folder):
    data = stream_data(f"folder:{folder}")
    assert data.input == Input(3, 224, 224, 3)
    assert data.classes == KINDS
    assert (len(data.train), len(data.val), len(data.test)) == (13, 6, 6)
    assert data.test is data.val
    assert (data.mean, data.border) == (PHOTO_MEAN, 256 / 224)
    small = stream_data(f"folder:{folder}", resolution=16)
    for index in range(13):
        image = as_seen(small)(small.train.read(index))
        assert (image.shape, image.dtype) == ((3, 16, 16), torch.uint8)
    grey = [path.endswith("grey.png") for path in small.train.paths].index(True)
    assert as_seen(small)(small.train.read(grey)).unique().tolist() == [7]


def test_test_images_of_its_own_are_used(folder):
    (folder / "val").rename(folder / "test")
    for kind in KINDS:
        (folder / "val" / kind).mkdir(parents=True)
        Image.new("RGB", (20, 20)).save(folder / "val" / kind / "a.png")
    data = stream_data(f"folder:{folder}")
    assert (len(data.val), len(data.test)) == (3, 6)


def test_the_middle_of_an_image_is_judged(folder):
    data = stream_data(f"folder:{folder}", resolution=224)
    image = Image.new("RGB", (256, 256), (255, 0, 0))
    image.paste((0, 0, 255), (16, 16, 240, 240))  # exactly what is cut out
    assert as_seen(data)(image)[:, 2:-2, 2:-2].unique(dim=1).shape[1] == 1
    assert as_seen(data)(image)[2].float().mean() > 254


def test_other_data_sets_keep_their_size_and_normalisation():
    data = stream_data("digits")
    assert data.input == Input(1, 8, 8, 10)
    assert data.classes == tuple("0123456789")
    assert data.test is not data.val
    image = data.train.read(5)
    assert torch.equal(as_seen(data)(image), image)
    assert stream_data("digits", resolution=12).input == Input(1, 12, 12, 10)
    wider = stream_data("digits", resolution=12)
    assert as_seen(wider)(wider.train.read(5)).shape == (1, 12, 12)
    with pytest.raises(InvalidOption, match="resolution must be at least 1, but got 0"):
        stream_data("digits", resolution=0)


def test_augmentation():
    data = stream_data("digits")
    image = data.train.read(0)
    torch.manual_seed(0)
    seen = [augmentation(data, ("flip",), 0.5)(image) for _ in range(20)]
    assert all(torch.equal(each, image) or torch.equal(each, image.flip(-1)) for each in seen)
    assert len({each.numpy().tobytes() for each in seen}) == 2
    cropped = [augmentation(data, ("crop",), 0.5)(image) for _ in range(20)]
    assert len({each.numpy().tobytes() for each in cropped}) > 10
    assert {each.shape for each in cropped} == {(1, 8, 8)}
    assert torch.equal(augmentation(data, (), 0.5)(image), image)


def test_a_broken_image_is_found_before(folder):
    path = folder / "val" / "bee" / "1.jpg"
    whole = path.read_bytes()
    for broken in (b"", b"no image", whole[:40], whole[: len(whole) // 2]):
        path.write_bytes(broken)
        refused(folder, r"every image must be readable, but .*bee.1\.jpg is not")
        with pytest.raises(InvalidData, match=r"bee.1\.jpg is not; replace or remove it"):
            read_folders("mine", folder)["val"].read(3)
    stream_data(f"folder:{folder}")


def test_the_images_of_a_folder_are_told_apart_by_their_names(folder):
    def digest():
        return stream_data(f"folder:{folder}").digest

    first = digest()
    assert digest() == first
    (folder / "val" / "bee" / "1.jpg").rename(folder / "val" / "cat" / "1b.jpg")
    other = digest()
    (folder / "val" / "cat" / "1b.jpg").rename(folder / "val" / "cat" / "1c.jpg")
    assert len({first, other, digest()}) == 3
    folder.rename(folder.parent / "moved")
    assert stream_data(f"folder:{folder.parent / 'moved'}").digest not in (first, other)
    (folder.parent / "moved" / "val" / "cat" / "1c.jpg").rename(
        folder.parent / "moved" / "val" / "bee" / "1.jpg"
    )
    assert stream_data(f"folder:{folder.parent / 'moved'}").digest == first
    assert stream_data("digits").digest == stream_data("digits", resolution=12).digest


def test_all_images_are_checked(folder, monkeypatch):
    monkeypatch.setattr("nas.training.data.folders._AT_ONCE", 2)
    files = read_folders("mine", folder)["train"]
    check_images(files)
    for path in files.paths:
        whole = (folder / path).read_bytes()
        (folder / path).write_bytes(whole[:30])
        with pytest.raises(InvalidData, match="is not; replace"):
            check_images(files)
        (folder / path).write_bytes(whole)


def test_an_empty_class_is_refused(folder):
    (folder / "train" / "dog").mkdir()
    refused(folder, "each class must have images in train/, but dog has none")


def test_classes_that_differ_are_refused_and_counted(folder):
    (folder / "val" / "cat").rename(folder / "val" / "dog")
    refused(folder, "val/ must have the classes of train/, but they differ in cat, dog")
    for number in range(12):
        (folder / "val" / f"x{number:02}").mkdir()
        Image.new("L", (3, 3)).save(folder / "val" / f"x{number:02}" / "a.png")
    refused(folder, r"differ in cat, dog, x00, .*x05 and 6 more; give")


def test_a_single_class_is_refused(folder):
    for part in ("train", "val"):
        for kind in ("ant", "bee"):
            for path in (folder / part / kind).iterdir():
                path.unlink()
            (folder / part / kind).rmdir()
    refused(folder, "must have at least 2 classes, but has 1")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    refused(tmp_path / "nowhere", "must have train/ and val/")
