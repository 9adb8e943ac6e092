"""Collecting on a real PostgreSQL, which the test starts and stops."""

import getpass
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import toys
from optuna.trial import TrialState

from nas.studies.slots import owner_of

pytestmark = pytest.mark.slow
NETWORKS = 60
OWNER = "postgres" if os.getuid() == 0 else getpass.getuser()  # a server does not run as root


def program(name):
    """A program of PostgreSQL: Debian keeps them out of the path."""
    found = shutil.which(name) or max(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), default=None)
    if found is None:
        pytest.skip(f"needs {name}: apt-get install postgresql")
    return found


def as_owner(*words):
    before = ["runuser", "-u", OWNER, "--"] if os.getuid() == 0 else []
    subprocess.run([*before, *map(str, words)], check=True, capture_output=True, cwd="/")


@pytest.fixture
def url():
    pytest.importorskip("psycopg2", reason="needs psycopg2: pip install 'peephole-nas[postgresql]'")
    initdb, control = program("initdb"), program("pg_ctl")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="nas-pg-"))  # pytest's own folders are closed to others
    shutil.chown(folder, OWNER)
    data = folder / "data"
    as_owner(initdb, "-D", data, "-U", "nas", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    as_owner(control, "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield f"postgresql+psycopg2://nas@127.0.0.1:{port}/postgres"
    finally:
        as_owner(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


COMMAND = textwrap.dedent(
    """
    import socket, sys
    sys.path.insert(0, sys.argv[1])
    from nas.studies import reclaim, storage, trials
    import toys
    if len(sys.argv) > 4:  # a machine of its own; its workers run these lines, too
        socket.gethostname = lambda: sys.argv[4]
        reclaim.HEARTBEAT = storage.HEARTBEAT = trials.HEARTBEAT = 1
        reclaim.GRACE = storage.GRACE = 5
    if __name__ == "__main__":
        space = toys.ToySpace(widths=tuple(range(1, 200)))
        task = toys.task(space=space, evaluator=toys.PretendEvaluator(delay=0.3))
        toys.run(sys.argv[2], int(sys.argv[3]), workers=2, task=task)
    """
)


def test_two_commands_of_two_workers_lose_and_double_nothing_when_one_is_killed(url, tmp_path):
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    words = [sys.executable, str(script), str(Path(__file__).parent), url, str(NETWORKS)]
    commands = [subprocess.Popen(words) for _ in range(2)]  # as on two machines
    try:
        pid = kill_a_worker(commands[0], url)
        assert [command.wait(180) for command in commands] == [0, 0]
    finally:
        for command in commands:
            command.kill()
    toys.check_sound(url, NETWORKS)
    (killed,) = [t for t in toys.trials_of(url) if owner_of(t).process.pid == pid and is_lost(t)]
    index = killed.user_attrs["index"]
    again = [t for t in toys.trials_of(url) if t.user_attrs["index"] == index and t != killed]
    assert TrialState.COMPLETE in {trial.state for trial in again}


def test_a_machine_that_is_gone_is_noticed_by_the_other(url, tmp_path):
    script = tmp_path / "command.py"
    script.write_text(COMMAND)
    words = [sys.executable, str(script), str(Path(__file__).parent), url, str(NETWORKS)]
    one, other = (subprocess.Popen([*words, host]) for host in ("one", "other"))
    try:
        kill_a_worker(one, url, all_of_them=True)
        assert other.wait(180) == 0
    finally:
        one.kill()
        other.kill()
    toys.check_sound(url, NETWORKS)
    assert [t for t in toys.trials_of(url) if owner_of(t).host == "one" and is_lost(t)]


def is_lost(trial):
    return trial.state == TrialState.FAIL and trial.user_attrs.get("status") != "superseded"


def kill_a_worker(command, url, all_of_them=False):
    """Kills a process that trains for this command, in the middle of a training; its pid.

    With all of them, the command too, and it first: it could still tell that they died.
    """
    end = time.monotonic() + 120
    while time.monotonic() < end:
        time.sleep(0.2)
        workers = {child.pid for child in psutil.Process(command.pid).children()}
        try:
            trials = toys.trials_of(url)
        except Exception:  # the tables are being made
            continue
        for trial in trials:
            owner = owner_of(trial)
            if trial.state == TrialState.RUNNING and owner and owner.process.pid in workers:
                for pid in [command.pid, *workers] if all_of_them else [owner.process.pid]:
                    with suppress(ProcessLookupError):  # workers end with their command
                        os.kill(pid, signal.SIGKILL)
                return owner.process.pid
    raise AssertionError("no training was seen")
