"""Which process a running trial belongs to, and whether that process is still there."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

_TOLERANCE = 1.0  # seconds between two readings of the same start time


@dataclass(frozen=True)
class Process:
    """A process of some machine; its start time tells it from a later one with the same pid."""

    pid: int
    started: float

    @classmethod
    def current(cls) -> Process:
        """This process."""
        return cls(os.getpid(), _started(psutil.Process()))

    def alive(self) -> bool:
        """True while it runs; asked on its own machine only."""
        try:
            process = psutil.Process(self.pid)
            same = abs(_started(process) - self.started) < _TOLERANCE
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True  # somebody's process: rather wait for it than take its trial


@dataclass(frozen=True)
class Owner:
    """A worker: where it runs, its process, and the command that started it.

    Attributes:
        host: name of the machine, for people.
        boot: this start of the machine and its process namespace: where it differs, as between
            two containers of one name or across a reboot, a pid says nothing.
        worker: a random name.
        process: the worker's.
        command: the process that started it and sees to its death.
    """

    host: str
    boot: str
    worker: str
    process: Process
    command: Process

    @classmethod
    def here(cls, command: Process | None = None) -> Owner:
        """This process as a worker of `command`, or of itself."""
        me = Process.current()
        return cls(socket.gethostname(), _boot(), uuid.uuid4().hex, me, command or me)

    @property
    def is_local(self) -> bool:
        """True where its process can be looked up on this machine."""
        return (self.host, self.boot) == (socket.gethostname(), _boot())

    def to_json(self) -> dict[str, Any]:
        """The owner as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Owner:
        """The owner that `to_json` wrote."""
        words = {name: data[name] for name in ("host", "boot", "worker")}
        return cls(**words, process=Process(**data["process"]), command=Process(**data["command"]))


def _started(process: psutil.Process) -> float:
    """Seconds from the machine's start to the process': unlike the time of day, never adjusted."""
    return float(round(process.create_time() - psutil.boot_time(), 2))


@cache
def _boot() -> str:
    """Names this start of the machine and this process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return str(round(psutil.boot_time(), -1))
