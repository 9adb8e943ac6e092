"""What processes that train together tell each other, and how they end."""

import os
import subprocess
import sys

import pytest
from lightning_fabric.strategies.launchers.subprocess_script import _ChildProcessObserver
from torch import distributed

from nas.core.errors import InvalidData, InvalidOption, ProcessLost
from nas.training.transfer import agreement
from nas.training.transfer.agreement import Agreement, ending_together, in_one_line

BROKEN = InvalidData("mine: image 3 is broken")


def test_one_process_agrees_with_itself():
    alone = Agreement()
    alone.begin()
    assert alone.same({"network": "a"})
    assert [alone.first(said) for said in (True, False)] == [True, False]
    alone.settle(None)
    with pytest.raises(InvalidData, match="image 3"):
        alone.settle(BROKEN)


def test_the_end_of_another_process_is_told_in_one_line():
    said = "[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:1"
    for error in (RuntimeError(said), distributed.DistBackendError("NCCL\nwatchdog")):
        with pytest.raises(ProcessLost, match="another one ended") as told, in_one_line():
            raise error
        assert "\n" not in str(told.value)
    with pytest.raises(RuntimeError, match="a defect"), in_one_line():
        raise RuntimeError("a defect")


def test_processes_that_cannot_reach_each_other_are_told_what_to_set(monkeypatch):
    def unreachable(backend):
        raise RuntimeError("gloo: unable to resolve\nhostname")

    monkeypatch.setattr(agreement.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(agreement.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(agreement.distributed, "new_group", unreachable)
    with pytest.raises(InvalidOption, match="GLOO_SOCKET_IFNAME") as error:
        Agreement().begin()
    assert "\n" not in str(error.value)


def test_no_started_process_outlives_an_error(monkeypatch):
    """Nor does Lightning's watch over it kill the one that is about to tell its error."""
    monkeypatch.setattr(agreement, "PATIENCE", 0.01)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    watch = _ChildProcessObserver(os.getpid(), [child], sleep_period=0.05)
    watch.start()
    with pytest.raises(InvalidData), ending_together():
        raise BROKEN
    assert child.wait() != 0
    watch.join()


TWO = """
import sys
from torch import distributed
from nas.core.errors import InvalidData, ProcessLost
from nas.training.transfer.agreement import Agreement, in_one_line

rank, place = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
both = Agreement()
both.begin()
assert both.same({"network": "a"}) and not both.same(rank)
assert both.first(rank == 0) and not both.first(rank == 1)
both.settle(None)
try:
    both.settle(InvalidData("broken") if rank else None)
except (InvalidData, ProcessLost) as error:
    assert isinstance(error, InvalidData if rank else ProcessLost)
else:
    raise SystemExit("an error was not told")
if rank:
    raise SystemExit
try:
    with in_one_line():
        both.first(True), both.settle(None)
except ProcessLost:
    raise SystemExit
"""


@pytest.mark.slow
def test_two_processes_go_on_or_end_as_one(tmp_path):
    words = [sys.executable, "-c", TWO]
    started = [subprocess.Popen([*words, str(rank), str(tmp_path / "f")]) for rank in range(2)]
    assert [process.wait(120) for process in started] == [0, 0]
