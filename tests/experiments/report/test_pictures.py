"""The figures of a page as files."""

import pytest

from experiments.cli import command
from experiments.report.parts import Plot, Plots, Section
from experiments.report.pictures import named, pictures
from tests.experiments.report import material
from tests.experiments.report.test_browser import CHROMIUM


def test_a_picture_is_named_after_its_section():
    one, two, three = (Plot(None, text) for text in "abc")
    shown = [Section("Learning curves", [], [one]), Section("Its map!", [], [Plots([two]), three])]
    assert list(named(shown)) == [("learning-curves", one), ("its-map", two), ("its-map-2", three)]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
def test_pictures_are_written(tmp_path):
    pytest.importorskip("kaleido")
    folder = material.RunFolder(tmp_path / "run")
    material.corpus().write(folder.corpus)
    words = [str(folder.path), "--out", str(tmp_path / "out")]
    assert command(pictures, words, positional=True) == 0
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert set(written) == {
        "learning-curves.svg",
        "accuracy-against-cost.svg",
        "accuracy-against-cost-2.svg",
    }
    assert all(text.startswith("<svg") for text in written.values())
    assert "by multiply-accumulates" in written["accuracy-against-cost.svg"]
