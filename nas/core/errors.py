"""What can go wrong, as one tree.

    NasError                    the user can mend it: the command line prints one line and ends with
    │                           `exit_status`, which is 2 (bad input) unless said otherwise
    ├── DeviceLost              a GPU that answers this process no more; exit status 1
    ├── DiskFull                no room for a file; exit status 1
    ├── InvalidArchitecture     layers that cannot be placed, a code that cannot be read
    ├── InvalidCorpus           a broken line, records of different tasks, nothing to fit
    ├── InvalidData             images or labels that are missing, broken or of the wrong shape
    ├── InvalidNetwork          a saved network that is missing, broken or cannot be exported
    ├── InvalidOption           a setting outside what it may be
    ├── InvalidStudy            a study that holds another task, a storage that cannot be opened
    ├── InvalidSurrogate        a prediction of the wrong shape, a saved surrogate not to be trusted
    ├── OutOfMemory             a network that does not fit beside what else is in memory; status 1
    ├── ProcessLost             of processes that train one network together, another one ended
    └── WorkersDied             processes that train were killed too often; exit status 1

Each message says what must hold, what came, and what to do about it.
"""

import re


class NasError(Exception):
    """Root of all errors that a user can mend."""

    exit_status = 2


class DeviceLost(NasError):
    """A GPU failed, and answers nothing more that this process asks."""

    exit_status = 1


class DiskFull(NasError):
    """There is no room for a file."""

    exit_status = 1


class InvalidArchitecture(NasError):
    """Layers that cannot be placed, or a code that cannot be read."""


class InvalidCorpus(NasError):
    """A corpus that cannot be read, mixes tasks, or lacks what is asked of it."""


class InvalidData(NasError):
    """Images or labels that are missing, broken or of the wrong shape."""


class InvalidNetwork(NasError):
    """A saved network that is missing or broken, or one that cannot be exported."""


class InvalidOption(NasError):
    """A setting outside what it may be."""


class InvalidStudy(NasError):
    """A study that holds another task, or a storage that cannot be opened."""


class InvalidSurrogate(NasError):
    """A surrogate that answers in the wrong shape, or that must not be loaded."""


class OutOfMemory(NasError):
    """A network does not fit into memory beside what else is there."""

    exit_status = 1


class ProcessLost(NasError):
    """Of the processes that train one network together, another one ended."""


class WorkersDied(NasError):
    """Networks are left, and every worker died more often than it is replaced."""

    exit_status = 1


def without_passwords(text: str) -> str:
    """The text with the passwords of its URLs starred."""
    return re.sub(r"(://[^:/\s]*):[^@\n]*@", r"\1:***@", text)
