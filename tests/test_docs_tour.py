"""docs/tour.ipynb runs, and what it shows is fit to be read.

`python -m tests.test_docs_tour` runs it and writes its outputs into the file.
"""

import json
import os
import re
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "docs" / "tour.ipynb"


def outputs(notebook):
    return [each for cell in notebook["cells"] for each in cell.get("outputs", [])]


def executed(folder):
    """The notebook with the outputs of a run in a folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(TOUR, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=1200, record_timing=False, coalesce_streams=True, resources=place
    )
    client.execute()
    return notebook


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_tour_runs(tmp_path, monkeypatch):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    told = outputs(executed(tmp_path))
    assert not [each for each in told if each.get("name") == "stderr"], "warnings spoil a tour"
    assert (tmp_path / "runs/tour/report.html").is_file()
    assert len(told) == len(outputs(json.loads(TOUR.read_text())))


def test_the_tours_outputs_are_there_small_and_without_paths_of_a_machine():
    text = TOUR.read_text()
    notebook = json.loads(text)
    codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    silent = [cell for cell in codes if not cell["outputs"]]
    assert all(cell["source"][0].startswith("%%capture") for cell in silent)
    assert len(silent) < 2
    assert [cell["execution_count"] for cell in codes] == list(range(1, len(codes) + 1))
    assert len(text) < 60_000
    assert not re.search(r"(/home|/root|/tmp|/usr|/work|[A-Z]:\\\\)", text)
    assert not [each for each in outputs(notebook) if each["output_type"] == "error"]
    assert all(cell.get("id") for cell in notebook["cells"])


def write():
    """Runs the tour and keeps its outputs."""
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(folder)
    notebook.metadata = json.loads(TOUR.read_text())["metadata"]
    for each in outputs(notebook):
        if "text/html" in each.get("data", {}):
            del each["data"]["text/plain"]
    nbformat.write(notebook, TOUR)


if __name__ == "__main__":
    write()
