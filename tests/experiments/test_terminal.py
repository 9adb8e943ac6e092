import subprocess
import sys
from subprocess import PIPE

import joblib
import pytest
import torch

from experiments.terminal import training_workers


@pytest.mark.parametrize(
    ("gpus", "cores", "device", "expected"),
    [
        (0, 8, "auto", 8),
        (1, 8, "auto", 4),
        (2, 6, "cuda", 6),
        (2, 8, "cuda:1", 4),
        (2, 8, "cpu", 8),
    ],
)
def test_how_many_networks_are_trained_at_a_time(monkeypatch, gpus, cores, device, expected):
    monkeypatch.setattr(joblib, "cpu_count", lambda: cores)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert training_workers("auto", device) == expected
    assert training_workers(3, device) == 3


@pytest.mark.parametrize(
    ("tell", "read", "other"), [("say", "stdout", "stderr"), ("warn", "stderr", "stdout")]
)
def test_a_pipe_that_nobody_reads_ends_no_work(tell, read, other):
    lines = f"{tell}('one'); time.sleep(1); {tell}('two'); {tell}('three')"
    end = f"print('done', file=sys.{other})"
    code = f"import sys, time; from experiments.terminal import {tell}; {lines}; {end}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=PIPE, stderr=PIPE) as process:
        pipe = getattr(process, read)
        assert pipe.readline().endswith(b"one\n")
        pipe.close()
        assert getattr(process, other).read() == b"done\n"
    assert process.returncode == 0
