"""Shared by all tests: one thread a process, since pytest-xdist already uses all cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
