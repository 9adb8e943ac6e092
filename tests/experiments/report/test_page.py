"""The page of run folders of every kind, as text; test_browser.py drives it."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from experiments.cli import main
from experiments.folder import RunFolder, write_json
from experiments.report import write_report
from experiments.report.parts import Table
from nas import Corpus, Record
from nas.core.errors import InvalidOption
from nas.studies import find_study, opened
from nas.studies.task import make_study
from nas.testing import toy_corpus
from surrogates import Peephole
from tests.experiments.report import material
from tests.experiments.small import refused
from tests.nas.studies import toys

HEADINGS = [
    "Comparison",
    "Sample efficiency",
    "Regret",
    "Methods",
    "Transfer",
    "The transferred network",
    "Predicted against real",
    "Learning curves",
    "Accuracy against cost",
    "Best networks",
    "Proposals",
    "What the cells answer to",
    "Its map of the networks",
    "Networks",
    "Not completed",
    "Options",
]


def page(folder, *trust):
    return write_report(folder, trust).read_text()


def words(text):
    """What is written on the page."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup(text)).split())


def markup(text):
    """The page without its scripts and styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)


def headings(text):
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_a_full_folder_has_every_section(full):
    assert headings(full[1]) == HEADINGS


def test_the_title_says_what_it_is(full):
    told = "full: 25 networks of the toy space on toy"
    assert f"<h1>{told}</h1>" in full[1]
    assert f"<title>{told} · nas report</title>" in full[1]


def test_nothing_comes_from_a_network(full):
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", markup(full[1]))
    (style,) = re.findall(r"<style>.*?</style>", full[1], flags=re.DOTALL)
    assert "@import" not in style and "url(" not in style


def test_text_of_a_file_is_no_markup(full):
    assert "RuntimeError: &lt;b&gt;no room&lt;/b&gt;" in full[1]
    assert "<b>no room" not in full[1]


def test_the_summary_counts_how_trainings_ended(full):
    told = words(full[1])
    assert "networks 25 diverged 1 failed 1 data toy, 8x8" in told
    assert "found by hand" in told


def test_the_comparison_has_all_columns(full):
    table = full[1].partition('aria-label="Comparison"')[2].partition("</table>")[0]
    header = re.findall(r"<button type=\"button\">(.*?)</button>", table)
    assert {"surrogate", "seen", "tau", "in 90%", "log p", "fit s", "epochs charged"} < set(header)
    assert table.count("<tr>") == 1 + 4, "two surrogates at two sizes"
    assert "An oracle" not in full[1], "nothing is known of the noise"


def test_each_proposed_network_is_marked_and_each_proposal_not_trained_is_there(full):
    _, _transferred, *cards = full[1].split('<article class="card">')
    proposals = json.loads(full[0].proposals.read_text())
    assert len(cards) == 10 + 3
    for card, proposal in zip(cards[10:], proposals, strict=True):
        assert proposal["key"] in card
        assert "0.7000" in card
    held = Corpus.read(full[0].corpus)
    best = sorted(held.finished, key=lambda record: -record.target)[:10]
    for card, record in zip(cards, best, strict=False):
        assert record.architecture.key in card
        assert f"{record.target:.4f}" in card
        assert ("proposed" in card) == (record.index is None)


def test_layers_show_how_the_prediction_moves(full):
    assert re.search(r'<small class="(rises|falls|same)">[+-]?\d', full[1])
    assert "by the saved surrogate" in full[1] or "No change of one layer" in full[1]


def test_predictions_of_seen_networks_are_told_apart(tmp_path):
    folder, held = RunFolder(tmp_path), material.corpus()
    held.write(folder.corpus)
    material.fit_into(folder, material.Macs(), held.finished[:5])
    told = words(page(folder, "tests"))
    labels = re.findall(r"predicted( \(seen\))? [\d.]+ parameters", told)
    assert len(labels) == 10
    assert 0 < sum(bool(label) for label in labels) <= 5
    assert "predicted (seen): by one that was fitted to it" in told


def test_the_options_and_versions_of_the_run_are_there(full):
    assert "# nas 0.1.0" in full[1]
    assert "networks: 24" in full[1]


def test_a_surrogate_of_a_foreign_package_is_left_out_unless_trusted(tmp_path, capsys):
    folder, held = RunFolder(tmp_path), material.corpus()
    held.write(folder.corpus)
    material.fit_into(folder, material.Macs(), held.finished)
    assert main(["report", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "what the surrogate has learnt is left out" in said and "trust" in said
    text = folder.report.read_text()
    assert 'class="remark"' in text and "Below each layer" not in text
    assert main(["report", str(tmp_path), "--trust", "[tests]"]) == 0
    assert not capsys.readouterr().err
    assert "Below each layer" in folder.report.read_text()


@pytest.mark.parametrize("wrong", ["raise RuntimeError('no')", "return 3"])
def test_a_surrogate_that_fails_spoils_no_page(tmp_path, monkeypatch, wrong):
    names = {}
    exec(f"def predict(self, queries): {wrong}", names)
    folder, held = RunFolder(tmp_path), material.corpus()
    held.write(folder.corpus)
    material.fit_into(folder, material.Macs(), held.finished)
    monkeypatch.setattr(material.Macs, "predict", names["predict"])
    assert "cannot be asked" in page(folder, "tests")


def test_a_surrogate_that_watches_trainings_is_not_asked_about_layers(tmp_path, monkeypatch):
    folder, held = RunFolder(tmp_path), material.corpus()
    held.write(folder.corpus)
    material.fit_into(folder, material.Macs(), held.finished)
    monkeypatch.setattr(material.Macs, "reads_curves", True)
    assert "Macs watches trainings first" in page(folder, "tests")


def test_a_folder_of_nas_fit_alone_shows_what_was_learnt(full, tmp_path):
    folder = RunFolder(tmp_path)
    shutil.copytree(full[0].surrogate, folder.surrogate)
    shutil.copy(full[0].fitted, folder.fitted)
    shutil.copy(full[0].task, folder.task)
    text = page(folder)
    assert headings(text) == ["What the cells answer to", "Its map of the networks"]
    assert "Peephole fitted to 20 networks of the toy space on toy" in text
    folder.fitted.unlink()
    assert headings(page(folder)) == []


def test_a_comparison_alone_shows_architectures_on_hover(full, tmp_path):
    folder = RunFolder(tmp_path)
    for name in ("comparison", "predictions", "judged"):
        shutil.copy(getattr(full[0], name), getattr(folder, name))
    text = page(folder)
    shown = ["Comparison", "Sample efficiency", "Predicted against real", "Networks"]
    assert headings(text) == shown
    assert f"<h1>{tmp_path.name}: 2 surrogates on toy</h1>" in text
    told = json.loads(re.search(r"const NETWORKS = (.*);", text)[1])
    points = json.loads(folder.predictions.read_text())
    assert set(told) == {point["key"] for each in points.values() for point in each}
    assert all("conv" in each and "MACs" in each for each in told.values())


def test_a_search_alone_has_figure_and_table(tmp_path):
    folder = RunFolder(tmp_path)
    write_json(folder.search, material.searched())
    text = page(folder)
    assert headings(text) == ["Regret", "Methods"]
    assert "2 search methods on A table (toy)" in text
    assert "random search" in text.partition('aria-label="Methods"')[2]


def test_a_folder_of_proposals_alone(full, tmp_path):
    shutil.copy(full[0].proposals, RunFolder(tmp_path).proposals)
    assert headings(page(RunFolder(tmp_path))) == ["Proposals"]


@pytest.fixture(scope="module")
def growing(tmp_path_factory):
    """A study with finished trials, a failed one, and one that is running."""
    folder = RunFolder(tmp_path_factory.mktemp("growing"))
    first = next(toys.stream(toys.TASK.space, toys.TASK.seed, toys.TASK.limits)).architecture
    odd = toys.Odd(width=first.blocks[0][0].width)
    toys.run(str(folder.study), networks=4, task=replace(toys.TASK, evaluator=odd))
    with opened(str(folder.study)) as storage:
        find_study(storage, "toy").create(optuna.trial.create_trial(state=TrialState.RUNNING))
    return folder


def test_a_growing_folder_says_what_is_in_training(growing):
    text = page(growing)
    assert "networks 4 in training 1 failed 1" in words(text)
    assert "ValueError: no such luck" in text


def test_a_folder_of_another_machine_gives_the_same_page(growing, tmp_path):
    before = page(growing)
    copied = RunFolder(shutil.copytree(growing.path, tmp_path / growing.path.name))
    hidden = growing.path.rename(tmp_path / "gone")
    try:
        assert page(copied) == before
    finally:
        hidden.rename(growing.path)


def test_a_study_that_was_copied_half_leaves_the_corpus_file(growing, tmp_path, capsys):
    folder = RunFolder(tmp_path)
    folder.study.write_bytes(growing.study.read_bytes()[:5000])
    assert "the study is left out" in refused(capsys, "report", tmp_path)
    material.corpus().write(folder.corpus)
    text = page(folder)
    assert "25 networks of the toy space" in text
    assert "the study is left out" in text


def test_a_study_that_has_only_begun(tmp_path):
    folder = RunFolder(tmp_path)
    with opened(str(folder.study)) as storage:
        make_study(storage, "toy", toys.TASK)
    text = page(folder)
    assert "0 networks on toy" in text
    assert headings(text) == []


def test_failed_trainings_alone_make_a_page(tmp_path):
    held = material.corpus()
    held.filter(lambda record: record.status == "failed").write(RunFolder(tmp_path).corpus)
    assert headings(page(RunFolder(tmp_path))) == ["Not completed"]


def test_one_epoch_has_one_tick(tmp_path):
    held = toy_corpus(6, epochs=1)
    held.write(RunFolder(tmp_path).corpus)
    text = page(RunFolder(tmp_path))
    assert '"dtick":1' in text
    assert '"mode":"markers"' in text


@pytest.mark.slow
def test_two_thousand_networks_stay_below_ten_megabytes(tmp_path):
    """With forty failures and six surrogates that were judged on all of them."""
    folder, held = RunFolder(tmp_path), toy_corpus(2040, epochs=20)
    lost = [Record(r.architecture, status="failed", error="no room") for r in held[2000:]]
    Corpus(held.header, (*held[:2000], *lost)).write(folder.corpus)
    points = [{"key": r.architecture.key, "real": r.target, "predicted": 0.5} for r in held[:2000]]
    write_json(folder.predictions, {f"Surrogate{n}": points for n in range(6)})
    material.fit_into(folder, Peephole(**material.SMALL), held[:2000])
    path = write_report(folder)
    assert path.stat().st_size < 10 * 2**20
    told = words(path.read_text())
    assert "200 of 2,000 networks" in told
    assert "drawn are 1,000 of 2,000 networks" in told
    assert "Drawn are 1,000 of 2,000 networks" in told
    assert "the best 500 of 2,000" in told


def test_what_lacks_a_part_gets_one_line(tmp_path, capsys):
    write_json(RunFolder(tmp_path).predictions, {"Mine": [{"real": 1}]})
    assert "the predictions are left out" in refused(capsys, "report", tmp_path)
    with pytest.raises(InvalidOption, match="holds no corpus"):
        write_report(RunFolder(tmp_path))


def test_reading_a_folder_without_peephole_imports_no_torch(tmp_path):
    material.corpus().write(RunFolder(tmp_path).corpus)
    code = (
        "import sys; from experiments.cli import main; "
        f"assert main(['report', {str(tmp_path)!r}]) == 0; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_every_surrogate_has_a_figure(tmp_path):
    points = [{"key": str(n), "real": n / 9, "predicted": n / 8} for n in range(9)]
    write_json(RunFolder(tmp_path).predictions, {f"S{n:02}": points for n in range(15)})
    told = page(RunFolder(tmp_path))
    assert all(f"<figcaption>S{n:02}: tau 1.00" in told for n in range(15))


def test_predictions_that_are_not_drawn_as_they_are_get_counted(tmp_path):
    points = [{"key": str(n), "real": n / 9, "predicted": n / 8} for n in range(9)]
    points[4]["predicted"] = -70.0
    write_json(RunFolder(tmp_path).predictions, {"Mine": points, "Yours": points[:4]})
    told = words(page(RunFolder(tmp_path)))
    assert told.count("1 predicted beyond the edge") == 1


def test_a_transfer_is_a_table_with_its_plots_and_its_network(tmp_path):
    folder = RunFolder(tmp_path)
    write_json(folder.transfer, material.transferred())
    text = page(folder)
    told = words(text)
    assert headings(text) == ["Transfer", "The transferred network"]
    assert "searched and vgg&lt;b&gt; on toy" in told
    assert "top-1 and top-5 are those of the validation images" in told
    assert "Searched has 25.0% of the parameters" in told and "12.50 points higher" in told
    assert "7.50 62.50% 95.00%" in told
    assert "each network beside vgg&lt;b&gt;" in told and "top-1 after each epoch" in told
    alone = material.transferred()
    alone["rows"].pop()
    write_json(folder.transfer, alone)
    assert "beside" not in words(page(folder))


def test_a_transfer_that_goes_on_is_told(tmp_path):
    RunFolder(tmp_path).trainings.mkdir()
    with pytest.raises(InvalidOption, match=r"the transfer in .* goes on"):
        page(RunFolder(tmp_path))


@pytest.mark.parametrize("path", ["nowhere", "file"])
def test_what_is_no_folder_is_told(tmp_path, path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidOption, match=r"does not exist|is a file; give its folder"):
        page(RunFolder(tmp_path / path))


BROKEN = {
    "corpus.jsonl.gz": "the corpus is left out",
    "fitted.jsonl.gz": "what the surrogate was fitted to is left out",
    "judged.jsonl.gz": "hovering over predictions is left out",
    "task.json": "what the surrogate has learnt is left out",
    "surrogate/surrogate.json": "what the surrogate has learnt is left out",
    "compare.json": "the comparison is left out",
    "predictions.json": "the predictions are left out",
    "proposals.json": "the proposals are left out",
    "search.json": "the search is left out",
    "transfer.json": "the transfer is left out",
    "summary.json": "the summary is left out",
    "collect.yaml": "collect.yaml is left out",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_said_and_left_out(full, tmp_path, name):
    folder = RunFolder(shutil.copytree(full[0].path, tmp_path / "run"))
    (folder.path / name).write_bytes(b"\xff\xfe{")
    text = page(folder)
    assert BROKEN[name] in text
    assert 5 < len(headings(text)) <= len(HEADINGS)


def test_a_folder_named_like_options_is_no_file(tmp_path):
    material.corpus().write(RunFolder(tmp_path).corpus)
    (tmp_path / "x.yaml").mkdir()
    assert "Options" not in headings(page(RunFolder(tmp_path)))


def test_a_surrogate_without_its_task_is_left_out(full, tmp_path):
    """`fit_into` takes the task away while it writes: the rest may be half old, half new."""
    folder = RunFolder(shutil.copytree(full[0].path, tmp_path / "run"))
    folder.task.unlink()
    text = page(folder)
    assert "what the surrogate has learnt is left out" in text
    assert "Below each layer" not in text
    assert "What the cells answer to" not in headings(text)


def test_a_surrogate_of_another_task_is_looked_at_with_its_own_networks(full, tmp_path):
    folder = RunFolder(shutil.copytree(full[0].path, tmp_path / "run"))
    material.corpus(data="others").write(folder.corpus)
    text = page(folder)
    assert "it was fitted for another task (data)" in text
    assert "Below each layer" not in text and "predicted (" not in text
    assert "It was fitted to all these networks" in text, "20 of them, not the 24 of the corpus"


def test_a_study_in_which_nothing_is_trained_hides_no_corpus_file(tmp_path):
    folder = RunFolder(tmp_path)
    with opened(str(folder.study)) as storage:
        make_study(storage, "toy", toys.TASK)
    material.corpus().write(folder.corpus)
    assert "25 networks of the toy space" in page(folder)


def test_a_surrogate_of_a_gpu_machine_answers_without_one(full, tmp_path):
    folder = RunFolder(shutil.copytree(full[0].path, tmp_path / "run"))
    saved = folder.surrogate / "surrogate.json"
    told = json.loads(saved.read_text())
    told["surrogate"]["arguments"]["device"] = "cuda:0"
    saved.write_text(json.dumps(told))
    text = page(folder)
    assert headings(text) == HEADINGS
    assert 'class="remark"' not in text


def test_a_surrogate_that_cannot_be_looked_into_spoils_no_page(full, tmp_path, monkeypatch):
    monkeypatch.setattr("surrogates.peephole.insight.named_cells", lambda *_: 1 / 0)
    folder = RunFolder(shutil.copytree(full[0].path, tmp_path / "run"))
    text = page(folder)
    assert "what the surrogate has learnt is left out: ZeroDivisionError" in text
    assert "Below each layer" in text


def test_figures_have_names_and_their_networks_are_in_a_table(full):
    figures = re.findall(r'<figure role="group" aria-label="(.*?)">', full[1])
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", full[1])
    assert figures == captions and all(captions)
    table = full[1].partition('aria-label="Networks"')[2].partition("</table>")[0]
    finished = Corpus.read(full[0].corpus).finished
    rows = re.findall(r'<th scope="row">(.*?)</th>', table)
    assert rows == [record.architecture.key for record in finished.best()]
    assert f"{finished.best()[0].macs:,}" in table


def test_a_comparison_of_a_windows_machine_names_its_corpus_file(tmp_path):
    row = {"surrogate": "A", "train_size": 3, "kendall_tau": 0.5}
    told = {"rows": [row], "corpus": r"C:\runs\mine.jsonl.gz"}
    write_json(RunFolder(tmp_path).comparison, told)
    assert "1 surrogate on mine.jsonl.gz</h1>" in page(RunFolder(tmp_path))


def test_a_column_of_long_text_is_aligned_as_one():
    table = Table("it", ["a", "b", "c"], [["x" * 50, "short", "1"], ["y", "z" * 41, "2"]])
    assert table.long == [True, True, False]
