"""A run folder that holds a little of everything, without any training."""

from dataclasses import replace

import numpy as np

from experiments.comparison import compare
from experiments.fit import fit_into
from experiments.folder import RunFolder, write_json
from experiments.propose import as_json
from nas import Corpus, Prediction, Record, Surrogate
from nas.core.interfaces import Candidate
from nas.testing import toy_corpus
from nas.testing.toy import toy_architectures
from surrogates import Constant, Peephole

SMALL = {"epochs": 3, "hidden": 8, "mlp": 8, "embedding": 3, "epoch_embedding": 3}


class Macs(Surrogate):
    """The more MACs the better."""

    def fit(self, corpus):
        self.most_ = max(record.macs for record in corpus)
        return self

    def predict(self, queries):
        macs = np.array([query.architecture.macs for query in queries], float)
        return Prediction(0.2 + 0.6 * macs / self.most_)


def corpus(networks=24, **changes):
    """Sampled networks, two proposed ones, and one that failed."""
    told = toy_corpus(networks)
    header = replace(told.header, source="nas collect", space="nas.testing.toy.ToySpace", **changes)
    records = [replace(record, index=place) for place, record in enumerate(told)]
    for place in (5, 6):
        records[place] = replace(records[place], index=None)
    failed = toy_architectures(networks + 1)[-1]
    records.append(Record(failed, status="failed", index=99, error="RuntimeError: <b>no room</b>"))
    return Corpus(header, tuple(records))


def everything(path, peephole=True):
    """Writes the folder and returns it."""
    folder, held = RunFolder(path), corpus()
    held.write(folder.corpus)
    surrogate = Peephole(**SMALL) if peephole else Macs()
    fit_into(folder, surrogate, held.finished[:20])
    others = toy_architectures(30, seed=9)[-3:]
    write_json(folder.proposals, [as_json(Candidate(each, 0.7)) for each in others])
    compare(folder.corpus, [Macs(), Constant()], [6, 12], repeats=2, workers=1, out=path)
    write_json(folder.search, searched())
    write_json(folder.transfer, transferred())
    write_json(folder.summary, [["found", "by hand"]])
    (folder.path / "collect.yaml").write_text("# nas 0.1.0\nnetworks: 24\n")
    return folder


def transferred():
    """A transfer.json."""
    row = {"params": 2000, "macs": 9000, "training_speed": 80.0, "inference_speed": 7.5}
    history = [{"train_loss": 1.0, "top1": top1, "top5": 1.0} for top1 in (0.4, 0.6)]
    rows = [
        {"name": "searched", **row, "top1": 0.625, "top5": 0.95, "history": history},
        {"name": "vgg<b>", **row, "params": 8000, "top1": 0.5, "top5": 0.9, "history": history},
    ]
    return {
        "architecture": toy_architectures(1)[0].to_json(),
        "data": {"name": "toy", "input": [3, 8, 8, 10], "judged": "validation"},
        "seed": 3,
        "rows": rows,
    }


def searched():
    """A search.json."""
    regret = [0.3, 0.2, 0.2, 0.1]
    told = {
        "seeds": 2,
        "found_at": [3, None],
        "found_median": None,
        "best": {"4": 0.8},
        "regret": regret,
        "regret_low": [r / 2 for r in regret],
        "regret_high": [r * 2 for r in regret],
        "looked_up": 4.0,
        "epochs_saved": None,
        "lost": 0.0,
        "seconds": 1.0,
    }
    rows = [{"method": name, **told} for name in ("GaussianProcess", "random search")]
    return {"data": "toy", "source": "A table, somewhere", "best": 0.9, "rows": rows}
