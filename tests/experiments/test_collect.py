"""`nas collect`: what the command adds to `nas.studies.collect`."""

from experiments.collect import known_input
from experiments.folder import RunFolder
from nas import Header, Input
from nas.studies import CollectTask, collect
from search_spaces import BlockSpace


def test_the_input_is_known_from_the_folders_study(tmp_path):
    folder = RunFolder(tmp_path)
    assert known_input(folder, "nas", "digits") is None
    space = BlockSpace()
    task = CollectTask(space, None, Header(space.skeleton, space.input, "digits"))
    collect(task, storage=folder.storage, study="nas", networks=0)
    assert known_input(folder, "nas", "digits") == Input(1, 8, 8, 10)
    assert known_input(folder, "nas", "MNIST") is None
    assert known_input(folder, "other", "digits") is None
    folder.study.write_text("something else")
    assert known_input(folder, "nas", "digits") is None
