"""Which device is taken, and what is told where it fails."""

import subprocess
import sys

import pytest
import pytorch_lightning as pl
import torch

from nas.core.errors import DeviceLost, InvalidOption, OutOfMemory
from nas.training import train
from nas.training.data import DataSet
from nas.training.device import device_errors, find_device, use_device
from tests.nas.training.small import RECIPE, network

FULL = (
    torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
)


def raises(error):
    def function(*args, **settings):
        raise error

    return function


def test_workers_take_turns_on_several_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for rank, gpu in ((0, "cuda:0"), (3, "cuda:1")):
        monkeypatch.setenv("NAS_WORKER", str(rank))
        for name in ("auto", "cuda"):
            assert find_device(name) == torch.device(gpu)


def test_one_of_several_gpus_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InvalidOption, match=r"\(cpu, cuda, cuda:0, cuda:1.*\), but got 'cuda:2'"):
        find_device("cuda:2")


@pytest.mark.gpu
def test_a_gpu_is_found_without_starting_it():
    code = (
        "import torch; from nas.training.device import find_device; "
        "assert find_device('cuda:0').type == 'cuda'; assert not torch.cuda.is_initialized()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_device_that_is_not_there_is_refused_in_one_line():
    for name in ("tpu", "cuda:99", "cuda:128", "cuda:256", "cuda:x", "mps:7", "hpu", "meta", ""):
        with pytest.raises(InvalidOption, match=rf"here \(cpu.*\), but got '{name}'$") as error:
            find_device(name)
        assert "\n" not in str(error.value)
    assert find_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_gpu_is_told_in_one_line(error):
    with pytest.raises(OutOfMemory) as told, device_errors("it must fit", "; do less"):
        raise error
    assert str(told.value) == f"it must fit, but: {str(error).splitlines()[0]}; do less"


GONE = RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with")


@pytest.mark.parametrize("initialised", [False, True])
def test_a_gpu_that_is_gone_is_not_the_networks_fault(initialised, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: initialised)
    monkeypatch.setattr(torch.cuda, "synchronize", raises(GONE))
    with pytest.raises(DeviceLost, match=r"but: CUDA error: an illegal memory access was enc.*;"):
        with device_errors("it must fit"):
            raise GONE


def test_of_several_gpus_the_one_that_is_used_is_asked(monkeypatch):
    used = [torch.device("cuda:0")]

    def synchronize():
        if used[-1] == torch.device("cuda:1"):
            raise GONE

    monkeypatch.setenv("NAS_WORKER", "3")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", used.append)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    with pytest.raises(DeviceLost), device_errors("it must fit"):
        use_device("cuda")
        raise GONE


def test_a_gpu_that_still_answers_is_not_at_fault(monkeypatch):
    error = RuntimeError("CUDA error: invalid configuration argument")
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    with pytest.raises(RuntimeError) as told, device_errors("it must fit"):
        raise error
    assert told.value is error


def test_other_errors_stay_what_they_are():
    for error in (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), KeyError("a")):
        with pytest.raises(type(error)) as told, device_errors("it must fit"):
            raise error
        assert told.value is error


@pytest.mark.parametrize(
    ("of", "name"), [(pl.Trainer, "fit"), (pl.Trainer, "test"), (DataSet, "to")]
)
def test_a_training_tells_wherever_a_gpu_is_full(of, name, data, monkeypatch):
    monkeypatch.setattr(of, name, raises(FULL[0]))
    with pytest.raises(OutOfMemory, match=r"beside the others, but: CUDA out of memory\.$"):
        train(network(), data, RECIPE, device="cpu")
