"""Large data sets lie in files that all processes share."""

import os

import numpy as np
import pytest
import torch

from nas.training.data import load_data, mapped, sources


@pytest.fixture(autouse=True)
def large(tmp_path, monkeypatch):
    """Everything is large, and kept below tmp_path."""
    monkeypatch.setenv("NAS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(mapped, "SMALL", 0)


@pytest.fixture
def spec(tmp_path):
    return write(tmp_path / "images.npz", 0)


def write(path, seed):
    rng = np.random.default_rng(seed)
    arrays = {}
    for part, count in (("train", 40), ("test", 20)):
        arrays[f"{part}_images"] = rng.integers(256, size=(count, 6, 5, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(count) % 4
    np.savez(path, **arrays)
    return f"npz:{path}"


def parts(data):
    return [tensor for part in (data.train, data.val, data.test) for tensor in part]


def same(one, other):
    facts = [(d.name, d.input, d.mean, d.std) for d in (one, other)]
    return facts[0] == facts[1] and all(map(torch.equal, parts(one), parts(other)))


def test_it_is_read_once_and_stays_what_it_was(spec, monkeypatch):
    monkeypatch.setattr(mapped, "SMALL", 10**9)
    anew = load_data(spec)
    monkeypatch.setattr(mapped, "SMALL", 0)
    first = load_data(spec)
    monkeypatch.setattr(sources, "load_npz", None)  # nobody reads it again
    assert same(first, anew) and same(load_data(spec), anew)


def test_a_changed_file_is_read_again(spec, tmp_path):
    before = load_data(spec)
    write(tmp_path / "images.npz", 1)
    os.utime(tmp_path / "images.npz", (1, 1))
    assert not same(load_data(spec), before)


def test_writing_to_a_data_set_changes_no_other(spec):
    changed, other = load_data(spec), load_data(spec)
    changed.train.images.fill_(7)
    assert not torch.equal(changed.train.images, other.train.images)
    assert torch.equal(load_data(spec).train.images, other.train.images)


def test_a_set_without_test_images(tmp_path):
    from PIL import Image

    for part in ("train", "val"):
        for label in ("a", "b"):
            folder = tmp_path / "images" / part / label
            folder.mkdir(parents=True)
            Image.new("RGB", (4, 4), (label == "a" and "red") or "blue").save(folder / "0.png")
    first, second = (load_data(f"folder:{tmp_path / 'images'}") for _ in range(2))
    assert first.test is None and second.test is None
    assert torch.equal(first.train.images, second.train.images)


def test_a_cache_that_cannot_be_written_costs_only_memory(spec, tmp_path, monkeypatch):
    expected = load_data(spec)
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAS_DATA", str(tmp_path / "file"))
    assert same(load_data(spec), expected)


@pytest.mark.parametrize("name", ["data.json", "val_labels.npy", "test_images.npy"])
@pytest.mark.parametrize("left", [None, 0, 20])
def test_a_cache_that_was_cut_off_is_made_anew(name, left, spec, tmp_path, monkeypatch):
    expected = load_data(spec)
    (file,) = (tmp_path / "cache").rglob(name)
    before = file.read_bytes()
    file.unlink()
    if left is not None:
        file.write_bytes(before[:left])
    assert same(load_data(spec), expected)
    assert file.read_bytes() == before
    monkeypatch.setattr(sources, "load_npz", None)
    assert same(load_data(spec), expected)


def test_a_cache_of_somebody_else_costs_only_memory(spec, monkeypatch):
    expected = load_data(spec)

    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(mapped, "_read", refuse)
    assert same(load_data(spec), expected)


def test_all_users_may_read_what_the_umask_lets_them(spec, tmp_path):
    mask = os.umask(0o022)
    try:
        load_data(spec)
    finally:
        os.umask(mask)
    (folder,) = (tmp_path / "cache" / "mapped").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o755


def test_nothing_is_left_behind_but_whole_sets(spec, tmp_path, monkeypatch):
    def full(*args):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(np, "save", full)
        assert same(load_data(spec), load_data(spec))
    assert list((tmp_path / "cache" / "mapped").iterdir()) == []
    load_data(spec)
    assert len(list((tmp_path / "cache" / "mapped").iterdir())) == 1


def test_small_sets_leave_no_files(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "SMALL", 10**9)
    load_data(spec)
    assert not (tmp_path / "cache").exists()
