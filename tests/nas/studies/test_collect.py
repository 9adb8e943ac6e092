import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import toys
from optuna.trial import TrialState

from nas import Candidate
from nas.core.errors import (
    DiskFull,
    InvalidOption,
    InvalidStudy,
    OutOfMemory,
    WorkersDied,
)
from nas.studies import collect
from nas.studies.crew import REPLACEMENTS, Crew, End, deaf
from nas.studies.owners import Owner
from nas.studies.slots import owner_of, slots_of
from nas.studies.worker import work

SLOW = toys.task(evaluator=toys.Odd(delay=0.1))
ODD_WIDTH = slots_of(toys.TASK, 3)[1].decisions["width"]


def odd(deed):
    return toys.task(evaluator=toys.Odd(width=ODD_WIDTH, deed=deed))


@pytest.fixture
def storage(storage, empty_storage):
    return shutil.copy(empty_storage, storage)


def test_two_workers_and_two_goes_give_the_same_corpus(tmp_path):
    storage, seen = str(tmp_path / "new.db"), []
    first = toys.run(storage, 5, workers=1)
    assert toys.facts(first) == toys.expected(5)
    both = toys.run(storage, 10, workers=2, on_progress=seen.append)
    assert toys.facts(both) == toys.expected(10)
    toys.check_sound(storage, 10)
    start, end = seen[0], seen[-1]
    assert (start.done, start.total, end.done, end.failed, end.running) == (5, 10, 10, 0, 0)
    assert end.best == max(both.targets)
    assert end.work_done == end.work_total > start.work_done
    assert start.eta > 0 == end.eta


def test_a_journal_gives_the_same_corpus(tmp_path):
    storage = f"journal:{tmp_path}/log"
    assert toys.facts(toys.run(storage, 6, workers=2)) == toys.expected(6)
    toys.check_sound(storage, 6)


def test_nothing_is_started_when_all_is_there(storage, toy_study, no_workers):
    work(toys.TASK, toy_study, slots_of(toys.TASK, 3), Owner.here())
    assert toys.facts(toys.run(storage, 3, workers=2)) == toys.expected(3)
    assert len(toys.run(storage, 2)) == 3, "what the study holds is returned"


def test_a_killed_worker_is_replaced_and_its_network_trained_again(storage, tmp_path, caplog):
    task = toys.task(evaluator=toys.Odd(width=ODD_WIDTH, deed="SIGKILL", once=f"{tmp_path}/once"))
    corpus = toys.run(storage, 4, workers=2, task=task)
    assert toys.facts(corpus) == toys.expected(4)
    toys.check_sound(storage, 4)
    (killed,) = [t for t in toys.trials_of(storage) if "died" in t.user_attrs]
    assert killed.state == TrialState.FAIL
    assert killed.user_attrs["died"] == "exit code -9, SIGKILL; often: out of memory"
    assert killed.intermediate_values == {1: 0.5}
    assert "a worker died" in caplog.text


COMMAND = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, sys.argv[1])
    import toys
    if __name__ == "__main__":
        stuck = toys.Odd(width=int(sys.argv[3]), deed="hang", delay=0.1)
        toys.run(sys.argv[2], 8, workers=2, task=toys.task(evaluator=stuck))
    """
)


@pytest.fixture
def command(tmp_path, storage):
    """Starts a collect of 8 networks as a process of its own; it hangs at networks of `width`."""
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    started = []

    def start(width=-1):
        here = str(Path(__file__).parent)
        process = subprocess.Popen([sys.executable, str(script), here, storage, str(width)])
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.3)


def states(storage, **counts):
    """Whether so many trials at least are in each of these states."""

    def check():
        if not os.path.exists(storage):
            return False
        try:
            trials = toys.trials_of(storage)
        except InvalidStudy:
            return False
        found = Counter(trial.state.name for trial in trials)
        return all(found[state] >= count for state, count in counts.items())

    return check


def kill(process):
    """Kills a command with -9, and waits until its workers are gone by themselves."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, left = psutil.wait_procs(children, timeout=10)
    assert not left


def test_a_killed_command_leaves_no_orphans_and_goes_on_when_started_again(command, storage):
    process = command(width=ODD_WIDTH)
    wait_for(states(storage, COMPLETE=7, RUNNING=1))
    kill(process)
    (left,) = [t for t in toys.trials_of(storage) if t.state == TrialState.RUNNING]
    assert left.user_attrs["index"] == 1
    assert toys.facts(toys.run(storage, 8, workers=1, task=SLOW)) == toys.expected(8)
    toys.check_sound(storage, 8)


@pytest.mark.slow
def test_two_commands_share_a_study(command, storage):
    processes = [command(), command()]
    assert [process.wait() for process in processes] == [0, 0]
    toys.check_sound(storage, 8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_change_nothing(seed, command, storage):
    rng = random.Random(seed)
    for _ in range(4):
        process = command()
        time.sleep(rng.uniform(0.5, 5.0))
        if rng.random() < 0.5:
            for child in psutil.Process(process.pid).children():
                child.kill()
            time.sleep(rng.uniform(0.0, 3.0))
        if process.poll() is None:
            kill(process)
    assert toys.facts(toys.run(storage, 8, workers=2, task=SLOW)) == toys.expected(8)
    toys.check_sound(storage, 8)


def test_a_network_that_crashes_its_worker_fails_and_the_rest_goes_on(storage, caplog):
    corpus = toys.run(storage, 3, task=odd("SIGSEGV"))
    assert [r.status for r in corpus] == ["complete", "failed", "complete"]
    assert "SIGSEGV" in caplog.text
    (trial,) = [t for t in toys.trials_of(storage) if t.state == TrialState.FAIL]
    assert trial.user_attrs["error"] == "its worker died (exit code -11, SIGSEGV)"
    again = toys.run(storage, 3, task=odd("complete"), retry_failed=True)
    assert toys.facts(again) == toys.expected(3)


@pytest.mark.slow
def test_a_network_that_quits_its_worker_fails(storage):
    assert [r.status for r in toys.run(storage, 3, task=odd("quit"))][1] == "failed"


@pytest.mark.slow
def test_a_network_that_gets_its_workers_killed_fails_the_third_time(storage):
    corpus = toys.run(storage, 3, task=odd("SIGKILL"))
    assert [r.status for r in corpus] == ["complete", "failed", "complete"]
    assert len(toys.trials_of(storage)) == 5


def test_an_evaluator_that_cannot_work_here_ends_all(storage):
    with pytest.raises(DiskFull, match="must have room"):
        toys.run(storage, 3, task=odd("full disk"))
    assert not [t for t in toys.trials_of(storage) if t.state == TrialState.RUNNING]


def test_workers_that_die_are_not_replaced_for_ever(storage, monkeypatch):
    monkeypatch.setattr("nas.studies.crew.REPLACEMENTS", 1)
    with pytest.raises(WorkersDied, match=r"3 networks are left, but .* \(exit code 7\)"):
        toys.run(storage, 3, task=toys.task(evaluator=toys.Unreadable()))


def test_a_network_that_did_not_fit_beside_another_is_trained_again(storage, tmp_path, monkeypatch):
    sizes, make = [], Crew.__init__

    def recorded(self, job, size):
        sizes.append(size)
        make(self, job, size)

    monkeypatch.setattr(Crew, "__init__", recorded)
    odd_one = toys.Odd(width=ODD_WIDTH, deed="out of memory, slowly", once=f"{tmp_path}/once")
    corpus = toys.run(storage, 4, workers=2, task=toys.task(evaluator=odd_one), retrain=1)
    assert toys.facts(corpus[:4]) == toys.expected(4) and len(corpus) == 5
    assert (tmp_path / "once").exists()
    assert sizes == [2, 1], "the retrainings do not try again how many fit"


def test_a_network_that_does_not_fit_even_alone_fails(storage, caplog):
    corpus = toys.run(storage, 4, workers=2, task=odd("out of memory"))
    assert [record.status for record in corpus] == ["complete", "failed", "complete", "complete"]
    assert corpus[1].error == "OutOfMemory: a training must fit"
    assert "there is room for 1 at a time" in caplog.text


def test_workers_that_run_out_of_memory_at_once_cost_one_place():
    crew = Crew(b"", 4)
    first = End(1, 1, None, size=4)
    assert [crew.shrink(first), crew.shrink(first)] == [3, 3]
    assert [crew.shrink(End(1, 1, None, size=size)) for size in (3, 4, 2, 1)] == [2, 2, 1, 1]


def test_the_place_of_one_that_ran_out_of_memory_may_be_taken_by_any_that_is_left(monkeypatch):
    crew, started = Crew(b"", 2), []
    monkeypatch.setattr(crew, "_start", started.append)
    crew._deaths[0] = 1 + REPLACEMENTS  # one that died too often
    assert crew.shrink(End(1, 1, None, size=2)) == crew.size == 1
    crew.fill(2)
    assert started == [1] and not crew.exhausted


@pytest.mark.slow
def test_a_lost_device_takes_its_worker_along_and_not_the_network(storage, tmp_path, caplog):
    odd_one = toys.Odd(width=ODD_WIDTH, deed="lost device", once=f"{tmp_path}/once")
    corpus = toys.run(storage, 4, task=toys.task(evaluator=odd_one))
    assert toys.facts(corpus) == toys.expected(4)
    toys.check_sound(storage, 4)
    assert (tmp_path / "once").exists()
    assert "a worker died (the GPU must answer, but does not)" in caplog.text


def test_images_that_do_not_fit_even_alone_end_the_command(storage):
    task = toys.task(evaluator=toys.PretendEvaluator(images="too many"))
    with pytest.raises(OutOfMemory, match="the images must fit"):
        toys.run(storage, 2, task=task)


def test_ctrl_c_stops_the_workers_and_leaves_nothing_running(storage):
    def on_progress(progress):
        if progress.running:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toys.run(storage, 6, workers=2, task=SLOW, on_progress=on_progress)
    trials = toys.trials_of(storage)
    assert trials and not [t for t in trials if t.state == TrialState.RUNNING]
    assert not any(owner_of(trial).process.alive() for trial in trials)


def test_workers_ignore_ctrl_c_before_they_have_imported_anything():
    before = signal.getsignal(signal.SIGINT)
    with deaf():
        code = "import signal; print(signal.getsignal(signal.SIGINT).name)"
        said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert (said.stdout.strip(), signal.getsignal(signal.SIGINT)) == (b"SIG_IGN", before)


def test_proposals_are_trained_besides(storage):
    network = slots_of(toys.TASK, 5)[4].architecture
    candidate = Candidate(network, 1.0, {"width": 9}, {"width": toys.WIDTHS})
    corpus = toys.run(storage, 2, proposals=[candidate])
    assert toys.facts(corpus)[:2] == toys.expected(2)
    assert [r.index for r in corpus] == [0, 1, None]
    assert corpus[2].architecture == network
    assert len(toys.run(storage, 2, proposals=[candidate])) == 3


@pytest.mark.parametrize("options", [{"networks": -1}, {"workers": 0}])
def test_impossible_numbers_are_refused(options, storage):
    with pytest.raises(InvalidOption, match="at least"):
        toys.run(storage, **options)


def test_what_cannot_be_sent_to_a_worker_is_refused(storage):
    task = toys.task(evaluator=toys.PretendEvaluator(delay=lambda: 0))
    with pytest.raises(InvalidOption, match="picklable"):
        toys.run(storage, task=task)


def test_no_networks_are_an_empty_corpus(storage, no_workers):
    assert len(collect(toys.TASK, storage=storage, study="toy", networks=0)) == 0


def test_the_import_brings_no_torch():
    code = "import sys, nas.studies; assert not {'torch', 'scipy', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
