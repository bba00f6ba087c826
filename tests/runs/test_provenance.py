"""Where a number comes from."""

import json

import torch

from segviz import __version__
from segviz.runs.provenance import environment


def test_environment(trained):
    facts = environment(trained)
    assert facts["segviz"] == __version__ and facts["torch"] == torch.__version__
    assert facts["device"] == "cpu" and facts["threads"] == torch.get_num_threads()
    assert (facts["checkpoint"], facts["sha256"]) == (trained.name, trained.sha256)
    json.dumps(facts)
