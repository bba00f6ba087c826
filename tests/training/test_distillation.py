import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from segviz.errors import InputError
from segviz.network import Architecture, checkpoint
from segviz.network.dynamic import Segmenter
from segviz.network.resampling import resample
from segviz.training.distillation import Teacher, TeacherOutput, capture_outputs, load_teacher
from segviz.training.recipe import Recipe
from tests.miniature import calibrated
from tests.training.tiny import TINY

CROP = 64


@pytest.fixture(scope="module")
def student():
    return calibrated(Architecture.of("dla46_c", channels=8, levels=3)).eval()


@pytest.fixture(scope="module")
def teacher(network, student):
    return Teacher(network, student)


@pytest.fixture
def photos():
    return torch.randint(0, 256, (2, 3, CROP, CROP), dtype=torch.uint8)


def test_pairs_are_the_deepest_maps_of_no_larger_stride(teacher, network, student):
    strides = [(student.backbone.strides[s], network.backbone.strides[t]) for s, t in teacher.pairs]
    assert strides == [(4, 4), (8, 8), (16, 16), (32, 16)]
    assert [t for _, t in teacher.pairs] == [1, 2, 4, 4]  # of two maps of stride 16 the deeper
    assert [r.out_channels for r in teacher.regressors] == [24, 32, 256, 256]


def test_only_the_regressors_are_learnt(teacher):
    assert {name.partition(".")[0] for name, _ in teacher.named_parameters()} == {"regressors"}
    assert all(p.requires_grad for p in teacher.parameters())


def test_output_is_the_teachers_own_prediction(teacher, network, photos):
    output = teacher.predict(photos)
    expected = network(network.normalise(photos.float()))
    assert torch.allclose(output.logits, expected, atol=1e-3)
    assert not output.logits.requires_grad


def test_maps_are_read_where_the_students_pixels_sit(teacher, network, photos):
    """A map that is the column of the input, read at the student's feature pixels."""
    output = teacher.predict(photos)
    for (s, t), target in zip(teacher.pairs, output.maps, strict=True):
        here, there = teacher.student_grids[s], teacher.grids[t]
        columns = torch.arange(there.valid(CROP)) * there.stride + there.offset
        ramp = columns.expand(there.valid(CROP), -1).float()
        teacher_map = network.pyramid(network.normalise(photos.float()))[t]
        assert target.shape == (2, teacher_map.shape[1], *[here.valid(CROP)] * 2)
        positions = (
            torch.arange(here.valid(CROP)) * here.stride + here.offset - there.offset
        ) / there.stride
        read = resample(ramp, positions, positions)[0]
        wanted = torch.arange(here.valid(CROP)) * here.stride + here.offset
        inside = wanted <= columns[-1]
        assert torch.allclose(read[inside], wanted[inside].float(), atol=1e-3)
        assert torch.allclose(target, resample(teacher_map, positions, positions), atol=2e-3)


def test_divergence_is_the_mean_kullback_leibler_divergence(teacher, photos):
    output = teacher.predict(photos)
    every = 4
    logits = torch.randn(2, 21, CROP // every, CROP // every)
    positions = teacher.network.grid.lattice.to_features(CROP, CROP)[::every]
    t = resample(output.logits, positions, positions).double().softmax(1)
    y = logits.double().softmax(1)
    expected = (t * (t / y).log()).sum(1).mean()
    assert teacher.kl_divergence(output, logits, CROP, every) == pytest.approx(expected.item())


def test_divergence_from_itself_is_0_and_so_is_its_gradient(teacher, photos):
    output = teacher.predict(photos)
    positions = teacher.network.grid.lattice.to_features(CROP, CROP)
    logits = resample(output.logits, positions, positions).requires_grad_()
    value = teacher.kl_divergence(output, logits, CROP, 1)
    value.backward()
    assert abs(value.item()) < 1e-6 and logits.grad.abs().max() < 1e-6


def linear(teacher, output, noise=0.0):
    """Maps of which the regressors, set for it, give the targets, but for noise."""
    maps = {s: torch.zeros(0) for s, _ in teacher.pairs}
    teacher = copy.deepcopy(teacher)
    teacher.regressors = nn.ModuleList(nn.Identity() for _ in teacher.pairs)
    for (s, _), target in zip(teacher.pairs, output.maps, strict=True):
        variance, mean = torch.var_mean(target, (0, 2, 3), correction=0, keepdim=True)
        maps[s] = target - mean + noise * variance.sqrt() * torch.randn_like(target)
    return teacher, [maps.get(i, torch.zeros(0)) for i in range(5)]


def test_hint_loss_is_0_for_maps_that_explain_all(teacher, photos):
    output = teacher.predict(photos)
    exact, maps = linear(teacher, output)
    assert exact.hint_loss(output, maps).item() < 1e-8


def test_hint_loss_is_the_unexplained_fraction_of_the_variance(teacher, photos):
    output = teacher.predict(photos)
    exact, maps = linear(teacher, output, noise=0.5)
    # Maps of stride 32 have four pixels a sample here, so that noise does not quite average out.
    assert exact.hint_loss(output, maps).item() == pytest.approx(0.25, abs=0.04)


def test_constant_maps_explain_nothing(teacher, photos):
    output = teacher.predict(photos)
    maps = [
        torch.zeros(2, c, CROP // r, CROP // r)
        for c, r in zip((32, 64, 64, 128, 256), (2, 4, 8, 16, 32), strict=True)
    ]
    blank = copy.deepcopy(teacher)
    for regressor in blank.regressors:
        nn.init.zeros_(regressor.bias)
    assert blank.hint_loss(output, maps).item() == pytest.approx(1, abs=1e-3)


def test_maps_may_cover_padding(teacher, photos):
    output = teacher.predict(photos)
    exact, maps = linear(teacher, output)
    padded = [nn.functional.pad(m, (0, 2, 0, 3)) if m.numel() else m for m in maps]
    assert exact.hint_loss(output, padded).item() < 1e-8


def test_gradient_reaches_student_and_regressors(network, photos):
    student = calibrated(Architecture.of("dla46_c", channels=8, levels=3)).train().requires_grad_()
    teacher = Teacher(network, student)
    with capture_outputs(student.backbone) as maps:
        student(student.normalise(photos.float()))
    teacher.hint_loss(teacher.predict(photos), maps[0]).backward()
    assert all(p.grad.abs().max() > 0 for p in teacher.parameters())
    assert student.backbone.net.level5.project[0].weight.grad.abs().max() > 0
    assert student.score_weight.grad is None
    assert all(p.grad is None for p in network.parameters())


def test_capturing_ends(student, photos):
    x = student.normalise(photos.float())
    with capture_outputs(student.backbone) as maps, torch.no_grad():
        student.backbone(x), student.backbone(x)
    with torch.no_grad():
        student.backbone(x)
    assert len(maps) == 2 and [m.shape[1] for m in maps[0]] == [32, 64, 64, 128, 256]


def test_teacher_without_context(photos):
    plain = calibrated(Architecture.of("test_resnet", channels=8, levels=3)).freeze()
    student = calibrated(Architecture.of("dla46_c", channels=8, levels=3))
    teacher = Teacher(plain, student)
    output = teacher.predict(photos)
    assert isinstance(output, TeacherOutput) and len(output.maps) == 4
    assert [m.shape[1] for m in output.maps] == [32, 48, 192, 96]


@pytest.mark.parametrize(
    ("name", "recipe", "pattern"),
    [
        (None, {"distil": 1.0}, r"must be 0 without a teacher, got 1 and 0; .*--teacher"),
        (None, {"hints": 2.0}, r"must be 0 without a teacher, got 0 and 2"),
        ("tiny", {}, r"no weight in the loss; give --distil or --hints"),
        (
            "tiny",
            {"distil": 1.0, "cached_samples": 1, "backbone_rate": 0.0},
            r"new samples, but --cached-samples is 1",
        ),
        ("missing", {"distil": 1.0}, r"missing"),
        ("tiny", {"distil": 1.0}, r"has 21 classes, the network 5"),
    ],
)
def test_teacher_that_does_not_fit(teacher_path, name, recipe, pattern):
    student = Segmenter(replace(TINY, classes=5))
    name = str(teacher_path) if name == "tiny" else name
    with pytest.raises(InputError, match=pattern):
        load_teacher(name, student, Recipe(**recipe), 1, torch.device("cpu"))


def test_hints_in_several_processes(teacher_path):
    student, recipe = Segmenter(TINY), Recipe(hints=1.0)
    with pytest.raises(InputError, match=r"hints must be 0 in several processes, got 1 in 2"):
        load_teacher(str(teacher_path), student, recipe, 2, torch.device("cpu"))


def test_teacher_without_hints_trains_no_regressors(teacher_path):
    student, recipe = Segmenter(TINY), Recipe(distil=1.0)
    teacher, sha256 = load_teacher(str(teacher_path), student, recipe, 2, torch.device("cpu"))
    assert not any(p.requires_grad for p in teacher.parameters())
    assert sha256 == checkpoint.load(str(teacher_path)).sha256
