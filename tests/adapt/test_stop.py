import math

import pytest
import torch
from torch.nn import functional

from segviz.adapt.optimisation import optimise
from segviz.adapt.pixelwise import Pixels
from segviz.adapt.settings import Settings
from segviz.adapt.stop import STOP_RULES, StopRule

K = 4


def pixels_of(*counts, sureness=20.0):
    """Pixels that are sure of their class, so many of each."""
    labels = torch.repeat_interleave(torch.arange(K), torch.tensor(counts))
    return Pixels(sureness * functional.one_hot(labels, K).double())


def broken(name, *predictions, half=None):
    """Whether each of some predictions breaks a rule."""
    rule = StopRule(name, lambda: half)
    return [rule.is_broken(each) for each in predictions]


def test_drift_is_the_divergence_from_the_first_marginal():
    def kl(before, now):
        return sum(a * math.log(a / b) for a, b in zip(before, now, strict=True))

    start, near, far = (50, 30, 10, 10), (55, 30, 5, 10), (80, 10, 5, 5)
    assert kl(*([n / 100 for n in shares] for shares in (start, near))) < 0.1
    assert kl(*([n / 100 for n in shares] for shares in (start, far))) > 0.1
    made = [pixels_of(*shares) for shares in (start, near, far, start)]
    assert broken("drift", *made) == [False, False, True, False]


def test_a_large_class_that_loses_half():
    made = [pixels_of(*shares) for shares in ((80, 16, 4, 0), (88, 8, 4, 0), (89, 7, 4, 0))]
    assert broken("vanishing", *made) == [False, False, True]
    assert broken("vanishing", pixels_of(96, 4, 0, 0), pixels_of(100, 0, 0, 0)) == [False, False]


def test_agreement_with_half_the_size_may_rise_but_not_fall():
    half = torch.repeat_interleave(torch.arange(K), torch.tensor([60, 20, 10, 10]))
    shares = ((50, 30, 10, 10), (60, 20, 10, 10), (61, 19, 10, 10), (64, 16, 10, 10))
    assert broken("agreement", *map(lambda s: pixels_of(*s), shares), half=half) == [
        *(False, False, False),
        True,
    ]


def test_without_a_rule_nothing_breaks():
    assert broken("", pixels_of(50, 50, 0, 0), pixels_of(100, 0, 0, 0)) == [False, False]


@pytest.mark.parametrize("name", STOP_RULES)
def test_an_episode_ends_before_the_prediction_that_breaks_the_rule(views, name):
    values = {"scale": 1.0, "steps": 12, "learning_rate": 0.1}
    full = list(optimise(views, Settings(**values)))
    stopped = list(optimise(views, Settings(**values, stop=name)))
    assert 1 <= len(stopped) < len(full), "such a rate changes everything"
    for one, other in zip(stopped, full, strict=False):
        assert torch.equal(one.logits, other.logits)
