"""Shared by all tests."""

import os

# One thread a process: pytest-xdist already uses all cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("ours", deadline=None)  # no test measures time
settings.load_profile("ours")
