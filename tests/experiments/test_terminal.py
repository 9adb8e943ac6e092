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


def test_a_pipe_that_nobody_reads_ends_no_work():
    lines = "say('one'); time.sleep(1); say('two'); say('three'); print('done', file=sys.stderr)"
    code = f"import sys, time; from experiments.terminal import say; {lines}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        assert process.stderr.read() == b"done\n"
    assert process.returncode == 0
