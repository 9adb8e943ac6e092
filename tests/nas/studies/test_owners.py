import json
import subprocess
import sys
from dataclasses import replace

from nas.studies.owners import Owner, Process


def test_a_process_is_alive_until_it_ends():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    import psutil

    from nas.studies.owners import _started

    process = Process(child.pid, _started(psutil.Process(child.pid)))
    assert process.alive()
    assert not replace(process, started=process.started - 100).alive()  # its pid came to another
    child.kill()
    psutil.wait_procs([psutil.Process(child.pid)], timeout=0.1)
    assert not process.alive()  # gone, or a zombie
    child.communicate()
    assert not process.alive()


def test_an_owner_survives_json():
    owner = Owner.here()
    assert Owner.from_json(json.loads(json.dumps(owner.to_json()))) == owner
    assert owner.is_local
    assert owner.process == owner.command == Process.current()
    assert owner.process.alive()


def test_two_workers_of_one_process_differ():
    assert Owner.here() != Owner.here()


def test_after_a_reboot_or_in_another_container_a_pid_says_nothing():
    assert not replace(Owner.here(), boot="another").is_local
    assert not replace(Owner.here(), host="another").is_local
