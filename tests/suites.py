"""Runs the test suite that a page shows, as its reader would."""

import re
import subprocess
import sys


def passed(folder, suite):
    """How many tests of a suite pass in a folder; all of them have to."""
    (folder / "test_mine.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "test_mine.py"], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    return int(re.search(r"(\d+) passed", done.stdout)[1])
