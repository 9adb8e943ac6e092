import gzip
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from nas import Input
from nas.core.errors import InvalidData
from nas.training.data import load_data


def refused(spec, message):
    with pytest.raises(InvalidData, match=message) as error:
        load_data(spec)
    assert "\n" not in str(error.value)


def test_digits_bring_their_own_validation():
    data = load_data()
    assert (data.name, data.input) == ("digits", Input(1, 8, 8, 10))
    counts = [len(part.labels) for part in (data.train, data.val, data.test)]
    assert sum(counts) == 1797
    assert counts == pytest.approx([1797 / 2, 1797 / 4, 1797 / 4], abs=10)
    assert data.train.images.max() == 255
    assert torch.equal(data.val.images, load_data("digits").val.images)


@pytest.mark.parametrize("spec", ["cifar10", "ImageNet", "npz:", "folder:", "zip:x", ""])
def test_an_unknown_name_is_refused_with_what_may_be_given(spec):
    refused(spec, "must be digits, one of CIFAR10, .*MNIST.*, npz:PATH or folder:PATH, but got")


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes()))
    path.with_suffix("").write_bytes(header + array.tobytes())


def test_torchvision_reads_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_DATA", str(tmp_path))
    raw, rng = tmp_path / "MNIST" / "raw", np.random.default_rng(0)
    raw.mkdir(parents=True)
    for part, count in (("train", 40), ("t10k", 20)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        write_idx(raw / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte.gz", (np.arange(count) % 10).astype(np.uint8))
    data = load_data("MNIST")
    assert data.input == Input(1, 28, 28, 10)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [30, 10, 20]
    assert torch.equal(data.test.images[:, 0], torch.from_numpy(images))


def test_a_failed_download_is_told_in_one_line(tmp_path, monkeypatch):
    from torchvision import datasets

    class Offline:
        def __init__(self, root, train, download):
            raise RuntimeError("Error downloading\nno network")

    monkeypatch.setenv("NAS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(datasets, "CIFAR10", Offline)
    refused("CIFAR10", "must be downloaded or lie in .*: Error downloading no network; check")


def test_one_process_at_a_time_downloads(tmp_path, monkeypatch):
    from torchvision import datasets

    asked = []

    class Busy:
        def __init__(self, root, train, download):
            code = "import sys, filelock; filelock.FileLock(sys.argv[1]).acquire(timeout=0)"
            lock = [sys.executable, "-c", code, str(root / "CIFAR10.lock")]
            asked.append(subprocess.run(lock, check=False, capture_output=True).stderr)
            raise RuntimeError("enough")

    monkeypatch.setenv("NAS_DATA", str(tmp_path))
    monkeypatch.setattr(datasets, "CIFAR10", Busy)
    refused("CIFAR10", "enough")
    assert b"Timeout" in asked[0]


def parts(**more):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 40), ("test", 10)):
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, 6, 5, 3), np.uint8)
        arrays[f"{part}_labels"] = np.arange(count) % 4
    return {**arrays, **more}


def test_npz(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, **parts())
    data = load_data(f"npz:{path}")
    assert data.input == Input(3, 6, 5, 4)
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [36, 4, 10]
    arrays = parts()
    np.savez(path, **arrays, val_images=arrays["test_images"], val_labels=arrays["test_labels"])
    data = load_data(f"npz:{path}")
    assert [len(part.labels) for part in (data.train, data.val, data.test)] == [40, 10, 10]


def test_a_broken_npz_is_refused_in_one_line(tmp_path):
    path = tmp_path / "mine.npz"
    spec = f"npz:{path}"
    refused(spec, "does not exist")
    path.write_bytes(b"PK not really")
    refused(spec, r"must be a file of numeric arrays that numpy\.savez wrote")
    path.write_bytes(b"")
    refused(spec, r"must be a file of numeric arrays that numpy\.savez wrote")
    np.savez(path, **parts())
    path.write_bytes(path.read_bytes()[:3000])
    refused(spec, r"must be a file of numeric arrays that numpy\.savez wrote")
    np.savez_compressed(path, **parts())
    packed, header = path.read_bytes(), 30 + len("train_images.npy") + 20
    path.write_bytes(packed[:header] + b"\xff" + packed[header + 1 :])
    refused(spec, r"numpy\.savez wrote, but: Error -3 while decompressing data")
    np.savez(path, **parts(train_labels=np.array([{}] * 40)))
    refused(spec, r"must be a file of numeric arrays that numpy\.savez wrote")
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    refused(spec, "it holds a single array")
    np.savez(path, images=np.zeros(3))
    refused(spec, "lacks train_images, train_labels, test_images, test_labels and has images")
    np.savez(path, **parts(val_labels=np.zeros(3, int)))
    refused(spec, "lacks val_images")
    np.savez(path, **parts(train_images=np.zeros((40, 6, 5))))
    refused(spec, f"{re.escape(spec)}: train_images must be uint8 .*float64")
    refused(f"npz:{tmp_path}", "must be a file of numeric arrays")


@pytest.fixture
def folder(tmp_path):
    """Two classes of grey 6x5 images in train/ and val/."""
    for part, count in (("train", 3), ("val", 2)):
        for number, kind in enumerate(("cat", "dog")):
            place = tmp_path / part / kind
            place.mkdir(parents=True)
            for index in range(count):
                Image.new("L", (6, 5), 100 * number + index).save(place / f"{index}.png")
    return tmp_path


def test_folder(folder):
    data = load_data(f"folder:{folder}")
    assert data.input == Input(1, 5, 6, 2)
    assert data.train.images[:, 0, 0, 0].tolist() == [0, 1, 2, 100, 101, 102]
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (len(data.val.labels), data.test) == (4, None)


def test_one_coloured_image_makes_a_folder_coloured(folder):
    (folder / "test" / "cat").mkdir(parents=True)
    (folder / "test" / "dog").mkdir(parents=True)
    Image.new("RGB", (6, 5), (1, 2, 3)).save(folder / "test" / "cat" / "a.png")
    Image.new("LA", (6, 5), (7, 9)).save(folder / "test" / "dog" / "a.png")
    data = load_data(f"folder:{folder}")
    assert data.input == Input(3, 5, 6, 2)
    assert data.test.images[:, :, 0, 0].tolist() == [[1, 2, 3], [7, 7, 7]]
    assert data.train.images[1, :, 0, 0].tolist() == [1, 1, 1]


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    refused(f"folder:{tmp_path}", "must have train/ and val/ with one folder of images for each")
    (tmp_path / "train").mkdir()
    refused(f"folder:{tmp_path}", "must have train/ and val/ with one folder of images for each")


def test_a_broken_image_is_refused(folder):
    path = folder / "train" / "dog" / "1.png"
    for data in (b"not an image", path.read_bytes()[:40], b""):
        path.write_bytes(data)
        refused(f"folder:{folder}", "every image must be readable, but .*dog.1.png is not")


def test_an_image_of_another_size_is_refused(folder):
    Image.new("L", (7, 5)).save(folder / "val" / "dog" / "1.png")
    refused(f"folder:{folder}", "one size, 6x5 as the first, but .*dog.1.png has 7x5; resize")


def test_an_empty_class_is_refused(folder):
    (folder / "train" / "emu").mkdir()
    refused(f"folder:{folder}", "each class must have images in train/, but emu has none")


def test_classes_that_differ_are_refused(folder):
    (folder / "val" / "dog").rename(folder / "val" / "emu")
    refused(f"folder:{folder}", "val/ must have the classes of train/, but .* dog, emu")
