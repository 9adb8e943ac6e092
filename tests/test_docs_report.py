"""The page about looking at a run: its examples run, one after the other."""

import re
from pathlib import Path

from experiments.folder import RunFolder
from nas.testing import toy_corpus
from surrogates import Peephole

PAGE = (Path(__file__).parents[1] / "docs" / "report.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder, corpus = RunFolder(Path("runs/demo")), toy_corpus(12)
    corpus.write(folder.corpus)
    Peephole(epochs=2, hidden=8, mlp=8).fit(corpus).save(folder.surrogate)
    names = {}
    for block in BLOCKS:
        exec(block, names)
    told = capsys.readouterr().out
    assert "conv" in told
    assert "(12, 8)" in told


def test_every_section_of_the_page_is_told():
    from tests.experiments.report.test_page import HEADINGS

    assert all(heading in PAGE for heading in HEADINGS)
