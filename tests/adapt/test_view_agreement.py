import pytest
import torch

from segviz.adapt.fast_gradient import DifferentiablePixels, LogitGradient
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.settings import Settings
from segviz.adapt.view_agreement import ViewAgreement

NAMES = [name for name, objective in OBJECTIVES.items() if objective.views != "single"]


@pytest.mark.parametrize("variables", ["both", "norm"])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_by_finite_differences(network64, views64, name, variables):
    settings = Settings(method=name, scale=1.0, variables=variables)
    adapted = ViewAgreement(network64, views64, settings)

    def pixels():
        rows = adapted.predict().logits.flatten(1).T
        return DifferentiablePixels(rows, others=adapted.others)

    loss = OBJECTIVES[name].loss
    now = pixels()
    before = loss(now)
    adapted.backward(now.gradient(before))
    length, slope = 1e-8, 0.0
    directions = [torch.randn_like(parameter) for parameter in adapted.parameters()]
    for parameter, direction in zip(adapted.parameters(), directions, strict=True):
        slope += (parameter.grad * direction).sum().item()
    with torch.no_grad():
        for parameter, direction in zip(adapted.parameters(), directions, strict=True):
            parameter.add_(direction, alpha=length)
    difference = (loss(pixels()) - before).item() / length
    assert abs(slope) > 1e-6
    assert difference == pytest.approx(slope, rel=1e-2, abs=1e-6)


def test_the_prediction_is_that_of_the_single_view(network, views):
    for name in NAMES:
        settings = Settings(method=name, scale=1.0, steps=1)
        first = next(iter(optimise(views, settings)))
        (plain,) = optimise(views, Settings(method="feedforward", scale=1.0))
        assert torch.equal(first.logits, plain.logits) and settings.joins == 0


def test_geometry_is_undone(network, photo, truth):
    """The mirror image of a symmetric photo predicts the same on each side."""
    half = photo[:, : photo.shape[1] // 2]
    symmetric = PhotoViews(
        network, torch.cat([torch.tensor(half), torch.tensor(half).flip(1)], 1).numpy()
    )
    adapted = ViewAgreement(network, symmetric, Settings(method="consistency", scale=1.0))
    logits = adapted.predict().logits
    own = logits.softmax(0)
    (mirrored,) = adapted.others
    assert mirrored.shape == own.flatten(1).T.shape
    assert torch.allclose(mirrored.sum(1), torch.ones(len(mirrored)), atol=1e-4)
    others = PhotoViews(network, symmetric.photo[:, ::-1].copy())
    (flipped,) = optimise(others, Settings(method="feedforward", scale=1.0))
    assert torch.allclose(flipped.logits, logits, atol=1e-3), "the photo is symmetric"


def test_views_of_one_photo_share_their_parameters(network64, views64):
    adapted = ViewAgreement(network64, views64, Settings(method="memo", scale=1.0))
    before = adapted.predict().logits, adapted.others
    with torch.no_grad():
        adapted.parameters()[1][3] += 2.0
    after = adapted.predict().logits, adapted.others
    assert torch.allclose(after[0][3], before[0][3] + 2)
    assert (after[1][..., 3] > before[1][..., 3]).all() and len(after[1]) == 3
    assert adapted.distance() == pytest.approx(2)


def test_a_loss_of_the_single_view_alone(network64, views64):
    adapted = ViewAgreement(network64, views64, Settings(method="consistency", scale=1.0))
    rows = adapted.predict().logits.flatten(1).T
    adapted.backward(LogitGradient(torch.ones_like(rows), None))
    assert all(parameter.grad is not None for parameter in adapted.parameters())


def test_losses_fall(network, photo, truth):
    views = PhotoViews(network, photo, Reference(truth))
    for name in NAMES:
        losses = [
            state.loss for state in optimise(views, Settings(method=name, scale=1.0, steps=8))
        ]
        assert losses[-1] < losses[0]
