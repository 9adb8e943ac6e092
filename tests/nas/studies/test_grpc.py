"""Collecting through Optuna's gRPC proxy, which the test starts before an SQLite file."""

import socket
import subprocess
import sys
import textwrap
import time
from contextlib import closing, suppress

import pytest
import toys

from nas.studies import corpus_of
from nas.studies.slots import slots_of

pytestmark = pytest.mark.slow

SERVER = textwrap.dedent(
    """
    import sys
    from optuna.storages import get_storage, run_grpc_proxy_server
    run_grpc_proxy_server(get_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
    """
)


@pytest.fixture
def url(storage):
    pytest.importorskip("grpc", reason="needs grpcio: pip install 'peephole-nas[grpc]'")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [f"sqlite:///{storage}", str(port)]
    server = subprocess.Popen([sys.executable, "-c", SERVER, *words])
    try:
        wait_for(port)
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def wait_for(port):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.2)
    raise AssertionError("the proxy does not listen")


def test_two_workers_collect_the_corpus_and_one_of_them_is_killed(url, storage, tmp_path):
    width = slots_of(toys.TASK, 3)[1].decisions["width"]
    deadly = toys.Odd(width=width, deed="SIGKILL", once=f"{tmp_path}/once", delay=0.1)
    task = toys.task(evaluator=deadly)
    assert toys.facts(toys.run(url, 12, workers=2, task=task)) == toys.expected(12)
    toys.check_sound(url, 12)
    trials = toys.trials_of(url)
    assert sum("died" in trial.user_attrs for trial in trials) == 1
    assert len({trial.user_attrs["owner"]["worker"] for trial in trials}) == 3
    corpus = toys.run(url, 12, workers=2, task=task, retrain=3)
    assert toys.facts(corpus)[:12] == toys.expected(12) and len(corpus) == 15
    assert corpus_of(url, "toy") == corpus_of(storage, "toy") == corpus
