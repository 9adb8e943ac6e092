import pytest

from experiments.report import write_report
from tests.experiments.report import material


@pytest.fixture(scope="session")
def full(tmp_path_factory):
    """A run folder with a little of everything, and its page."""
    folder = material.everything(tmp_path_factory.mktemp("run") / "full")
    return folder, write_report(folder).read_text()
