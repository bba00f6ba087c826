import copy
import csv
import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from segviz.data.classes import CLASSES, IGNORE
from segviz.errors import InputError
from segviz.network import checkpoint
from segviz.network.checkpoint import tensor_hash
from segviz.training import trainer as trainer_module
from segviz.training.optimiser import rate_factor
from tests.training.tiny import CACHED, IDS, TINY, after, moved, parts

ALL = {
    "backbone",
    "context",
    "aggregation",
    "aggregation.running",
    "feature_norm.running",
    "scale_space_filter",
    "response_norm",
    "response_norm.running",
    "score_weight",
    "score_bias",
    "scale_weight",
    "scale_bias",
}


# What an update changes


def test_everything_moves_but_the_statistics_of_the_backbone(make, finished):
    before = parts(make().network)  # of the same seed
    assert finished.iteration == finished.iterations == 4
    assert moved(before, finished.network) == ALL
    assert not any(module.training for module in finished.network.modules())


def test_norm_that_is_not_frozen(make):
    trainer = make(freeze_norm=False)
    before = parts(trainer.network)
    assert moved(before, trainer.run(stop=after(2))) == ALL | {"backbone.running"}


def test_frozen_backbone_is_unchanged(make):
    trainer = make(backbone_rate=0, freeze_norm=False)
    before = parts(trainer.network)
    assert moved(before, trainer.run(stop=after(2))) == ALL - {"backbone", "context"}
    frozen = (trainer.network.backbone, trainer.network.context)
    assert all(p.grad is None for module in frozen for p in module.parameters())


def test_rate_0_for_theta_scale(make):
    trainer = make(scale_rate=0)
    before = parts(trainer.network)
    assert moved(before, trainer.run(stop=after(2))) == ALL - {"scale_weight", "scale_bias"}


def test_first_update_is_sgd_by_hand(make):
    trainer = make(loss_stride=2, weight_decay=0.01, scale_rate=0.5, backbone_rate=0.25)
    net = copy.deepcopy(trainer.network).train()
    net.backbone.eval(), net.context.eval()
    photos, truth = next(trainer.batches())
    # Positions 0, 2, 4 ... of the crop: bilinear from the map at stride 16, then every other pixel.
    logits = functional.interpolate(
        net((photos.float() - 127.5) / 127.5), 49, mode="bilinear", align_corners=True
    )
    truth = truth[:, ::2, ::2].long()
    known = truth != IGNORE
    log_p = logits[:, :, ::2, ::2].log_softmax(1)
    loss = -log_p.gather(1, truth.clamp(max=20)[:, None])[:, 0][known].mean()
    loss.backward()

    trainer.run(stop=after(1))
    rate = 0.05 / 2  # the first of two updates of warm-up
    factors = {"backbone": 0.25, "context": 0.25, "scale_weight": 0.5, "scale_bias": 0.5}
    now = dict(trainer.network.named_parameters())
    for name, p in net.named_parameters():
        factor = factors.get(name.partition(".")[0], 1.0)
        expected = p - factor * rate * (p.grad + 0.01 * p)
        assert torch.allclose(now[name], expected, atol=1e-6), name


def test_rates_follow_the_schedule(make):
    trainer, rates = make(backbone_rate=0.5), []

    def note():
        rates.append([group["lr"] for group in trainer.optimiser.param_groups])
        return False

    trainer.run(stop=note)
    assert len(rates) == 4
    for i, (new, scale, old) in enumerate(rates):
        assert new == pytest.approx(0.05 * rate_factor(trainer.recipe, i, 4))
        assert (scale, old) == (pytest.approx(0.1 * new), pytest.approx(0.5 * new))


def test_loss_falls(make):
    trainer = make(ids=IDS[:1], augment=False, epochs=12, batch=1, warmup=0, crop=97)
    losses = []
    for batch in trainer.batches():
        losses.append(trainer.train_step(trainer.network, batch).item())
        trainer.iteration += 1
    assert len(losses) == 12 and losses[-1] < 0.5 * losses[0]


# Cached samples


def test_cached_samples_train_all_but_the_frozen_part(make):
    trainer = make(**CACHED)
    before = parts(trainer.network)
    network = trainer.run()
    assert trainer.iteration == 4
    assert moved(before, network) == ALL - {"backbone", "context"}
    assert len(trainer.loader.fill_cache(network, trainer.out / "feature-cache")) == 12


def test_resumed_training_on_cached_samples_is_the_same_training(make):
    whole = make("whole", **CACHED).run()
    make("parts", **CACHED).run(stop=after(2))
    resumed, passes = make("parts", **CACHED), []
    resumed.network.backbone.register_forward_hook(lambda *_: passes.append(1))
    assert tensor_hash(resumed.run(resume=True)) == tensor_hash(whole)
    assert not passes  # all features come from the cache


def test_cached_samples_of_a_backbone_that_is_trained(make):
    with pytest.raises(InputError, match=r"--cached-samples 2 .*--backbone-rate 0"):
        make(**{**CACHED, "backbone_rate": 0.1})


# Resuming


def test_resumed_training_is_the_same_training(make, finished):
    first = make()
    first.run(stop=after(1))
    assert first.iteration == 1
    second = make()
    second.run(resume=True, stop=after(2))
    assert second.iteration == 3
    last = make()
    assert tensor_hash(last.run(resume=True)) == tensor_hash(finished.network)
    assert last.iteration == 4


def test_log_of_a_resumed_training_is_that_of_a_whole_one(make, monkeypatch):
    """Also after a kill that left rows which the state does not know of, one of them cut short."""
    monkeypatch.setattr(trainer_module, "REPORT_EVERY", 1)
    whole = make("whole")
    whole.run()
    first = make("cut")
    first.run(stop=after(2))
    with first.log_path.open("a") as log:
        log.write("3,1.000,9.0000,0.0000,0.010000\n4,1.3")
    make("cut").run(resume=True)
    log = whole.log_path.read_text()
    assert first.log_path.read_text() == log
    assert [row["iteration"] for row in csv.DictReader(log.splitlines())] == ["1", "2", "3", "4"]


def test_a_stop_leaves_no_row_of_its_own(make, finished):
    for count in (1, 2, 9):
        trainer = make()
        trainer.run(resume=True, stop=after(count))
    assert trainer.log_path.read_text() == finished.log_path.read_text()


def test_training_depends_on_nothing_but_its_seed(make, finished):
    assert tensor_hash(make("a").run()) == tensor_hash(finished.network)
    assert tensor_hash(make("b", seed=1).run()) != tensor_hash(finished.network)


def test_reading_processes_change_nothing(make, finished):
    helped = make(values={"loaders": 1}).run()
    assert tensor_hash(helped) == tensor_hash(finished.network)


def test_resume_after_the_end(make):
    expected = tensor_hash(make().run())
    again = make()
    assert tensor_hash(again.run(resume=True)) == expected and again.iteration == 4


def test_resume_without_a_state_starts_from_scratch(make):
    trainer = make()
    trainer.run(resume=True, stop=after(1))
    assert trainer.iteration == 1 and trainer.state_path.exists()


def test_without_resume_it_starts_over(make):
    make().run()
    trainer = make()
    assert trainer.log_path.exists()
    trainer.run(stop=after(1))
    assert trainer.iteration == 1 and not trainer.log_path.exists()


@pytest.fixture
def stopped(make):
    """A training stopped after one update, in the output folder of `make`."""
    trainer = make()
    trainer.run(stop=after(1))
    return trainer


def test_resume_with_other_options(make, stopped):
    for changes, pattern in (
        ({"batch": 4}, r"other batch \(2, now 4\)"),
        ({"seed": 3, "crop": 81}, r"other crop \(49, now 81\), seed \(0, now 3\)"),
        ({"architecture": replace(TINY, channels=4)}, r"other channels \(8, now 4\)"),
        ({"ids": IDS[:5]}, "other images"),
        ({"ids": [*IDS[:5], "2007_000007"]}, "other ids"),
    ):
        with pytest.raises(InputError, match=pattern + ".*same options or choose another --out"):
            make(**changes).run(resume=True)
    assert make().run(resume=True)


# Refusals


def test_loss_that_is_not_finite(make):
    trainer = make()
    trainer.network.score_bias.data[3] = torch.nan
    with pytest.raises(InputError, match=r"loss is nan after 4 updates; .*--lr below 0\.05"):
        trainer.run()
    assert not trainer.state_path.exists()


@pytest.mark.parametrize("loaders", [0, 1])
def test_missing_image(make, loaders):
    trainer = make(ids=["2007_999999"], values={"loaders": loaders}, batch=1)
    with pytest.raises(InputError, match="2007_999999 is missing") as caught:
        trainer.run()
    assert "\n" not in str(caught.value)


def test_no_images(make):
    with pytest.raises(InputError, match=r"no training images.*--exclude"):
        make(ids=[])


def test_negative_loaders(make):
    with pytest.raises(InputError, match=r"loaders .* got -1"):
        make(values={"loaders": -1})


def test_batch_that_cannot_be_shared(make, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(InputError, match="multiple of the 3 processes, got 2"):
        make()


# What it writes


def test_checkpoint(finished, tmp_path):
    path = tmp_path / "cards" / "net.safetensors"
    card = finished.save_checkpoint(path, {"origin": "chance"})
    loaded = checkpoint.load(str(path))
    assert loaded.card == json.loads(json.dumps(card))
    assert card["name"] == "net" and card["origin"] == "chance"
    assert card["classes"] == list(CLASSES) and "began_as" not in card
    assert card["training"]["images"] == 6 and card["training"]["iterations"] == 4
    assert card["training"]["learning_rate"] == 0.05 and card["architecture"]["channels"] == 8
    x = torch.randn(1, 3, 65, 65)
    with torch.no_grad():
        difference = (loaded.network(x) - finished.network(x)).abs().max()
    assert difference < 0.1  # float16


def test_log(finished):
    (row,) = csv.DictReader(finished.log_path.open())
    assert row["iteration"] == "4" and float(row["epoch"]) == pytest.approx(4 / 3, abs=1e-3)
    assert 0 < float(row["loss"]) < 20 and 0 <= float(row["train_miou"]) <= 1


# A teacher

# The maps of random networks are large: their regressors diverge at a higher rate.
TAUGHT = {"distil": 1.0, "hints": 1.0, "learning_rate": 1e-4}


def test_teacher_takes_part_in_training(make, teacher_path):
    taught = make(values={"teacher": str(teacher_path)}, **TAUGHT)
    before, teacher = parts(taught.network), tensor_hash(taught.teacher.network)
    regressors = [p.clone() for p in taught.teacher.parameters()]
    taught.run()
    assert moved(before, taught.network) == ALL
    for old, new in zip(regressors, taught.teacher.parameters(), strict=True):
        assert not torch.equal(old, new)
    assert not any(name.startswith("regressors") for name in taught.network.state_dict())
    assert tensor_hash(taught.teacher.network) == teacher


def test_first_loss_is_linear_in_the_weights_of_the_teacher(make, teacher_path):
    def first(**weights):
        values = {"teacher": str(teacher_path)} if weights else {}
        trainer = make("first", values=values, **weights)
        return trainer.train_step(trainer.network, next(trainer.batches())).item()

    alone = first()
    distil, hints = first(distil=1.0) - alone, first(hints=1.0) - alone
    assert distil > 0.01 and hints > 0.5
    assert first(distil=2.0, hints=3.0) == pytest.approx(alone + 2 * distil + 3 * hints, rel=1e-4)


def test_resumed_training_with_a_teacher_is_the_same_training(make, teacher_path):
    options = {"values": {"teacher": str(teacher_path)}, **TAUGHT}
    whole = make("whole", **options)
    whole.run()
    make("parts", **options).run(stop=after(2))
    resumed = make("parts", **options)
    resumed.run(resume=True)
    assert tensor_hash(resumed.network) == tensor_hash(whole.network)
    assert tensor_hash(resumed.teacher) == tensor_hash(whole.teacher)


def test_resume_with_another_teacher(make, teacher_path, checkpoint_path):
    make(values={"teacher": str(teacher_path)}, distil=1.0).run(stop=after(1))
    with pytest.raises(InputError, match=r"other teacher; resume with the same"):
        make(values={"teacher": str(checkpoint_path)}, distil=1.0).run(resume=True)


# Photos in memory, time limit


@pytest.mark.parametrize("loaders", [0, 2])
def test_photos_in_memory_change_nothing(make, loaders):
    disk, memory = make("disk"), make("memory", values={"memory": True, "loaders": loaders})
    for a, b in zip(disk.batches(), memory.batches(), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_missing_image_in_memory(make):
    with pytest.raises(InputError, match="2099_000001"):
        make(ids=[*IDS, "2099_000001"], values={"memory": True, "loaders": 1}).run()


def test_time_limit_ends_a_run(make):
    limit = {"epochs": 1000.0, "minutes": 1 / 60}
    trainer = make(**limit)
    trainer.run()
    assert trainer.done and 1 <= trainer.iteration < trainer.iterations
    assert 1 <= trainer.seconds < 20
    # Little of the rate is left at the end.
    assert trainer.optimiser.param_groups[0]["lr"] < 0.6 * 0.05
    resumed = make(**limit)
    resumed.run(resume=True)
    assert resumed.iteration == trainer.iteration
    assert tensor_hash(resumed.network) == tensor_hash(trainer.network)


def test_time_limit_that_is_far_changes_nothing(make, finished):
    limited = make(minutes=1e6).run()
    for a, b in zip(finished.network.parameters(), limited.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


# Photos on the device


def test_samples_made_on_the_device_train_alike(make, finished):
    trainer = make("device", values={"on_device": True})
    trainer.run()
    assert trainer.iteration == 4 and trainer.loader.device_samples is not None
    theirs, ours = finished.metrics.compute()[0], trainer.metrics.compute()[0]
    assert ours == pytest.approx(theirs, rel=0.1)


def test_resumed_training_on_the_device_is_the_same_training(make):
    values = {"on_device": True}
    whole = make("whole", values=values).run()
    make("parts", values=values).run(stop=after(2))
    assert tensor_hash(make("parts", values=values).run(resume=True)) == tensor_hash(whole)
