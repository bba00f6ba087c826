import copy
import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

import segviz
from segviz.data.classes import CLASSES, IGNORE
from segviz.errors import InputError
from segviz.network import Architecture, checkpoint
from segviz.network.checkpoint import tensor_hash
from segviz.runtime.workers import Workers
from segviz.training.recipe import Recipe
from segviz.training.trainer import Trainer
from tests.miniature import SPLITS

TINY = Architecture.of("mobilenetv2_100", channels=8, levels=3)
RECIPE = Recipe(crop=65, batch=2, epochs=4 / 3, learning_rate=0.05, warmup=2)  # 4 updates
IDS = SPLITS["train"]


@pytest.fixture
def make(voc_root, tmp_path):
    """A trainer on the six images of the miniature VOC, 4 updates of 2 samples."""

    def make(out="out", architecture=TINY, ids=IDS, values=None, **recipe):
        return Trainer(
            voc_root,
            ids,
            architecture,
            replace(RECIPE, **recipe),
            tmp_path / out,
            **{"loaders": 0, **(values or {})},
        )

    return make


def after(count):
    """A `stop` that is true after so many updates."""
    asked = []

    def stop():
        asked.append(1)
        return len(asked) >= count

    return stop


def parts(network):
    """All tensors by the part of the network that they belong to."""
    found = {}
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            statistic = "." + name.rpartition(".")[2] if "running" in name else ""
            found.setdefault(name.partition(".")[0] + statistic[:8], []).append(value.clone())
    return found


def moved(before, network):
    """The parts that changed."""
    now = parts(network)
    return {
        name
        for name, values in before.items()
        if any(not torch.equal(a, b) for a, b in zip(values, now[name], strict=True))
    }


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


def test_everything_moves_but_the_statistics_of_the_backbone(make):
    trainer = make()
    before = parts(trainer.network)
    network = trainer.run()
    assert trainer.iteration == trainer.iterations == 4
    assert moved(before, network) == ALL
    assert not any(module.training for module in network.modules())


def test_norm_that_is_not_frozen(make):
    trainer = make(freeze_norm=False)
    before = parts(trainer.network)
    assert moved(before, trainer.run()) == ALL | {"backbone.running"}


def test_frozen_backbone_is_unchanged(make):
    trainer = make(backbone_rate=0, freeze_norm=False)
    before = parts(trainer.network)
    assert moved(before, trainer.run()) == ALL - {"backbone", "context"}
    old = (trainer.network.backbone, trainer.network.context)
    assert all(p.grad is None for module in old for p in module.parameters())


def test_rate_0_for_theta_scale(make):
    trainer = make(scale_rate=0)
    before = parts(trainer.network)
    assert moved(before, trainer.run()) == ALL - {"scale_weight", "scale_bias"}


def test_first_update_is_sgd_by_hand(make):
    trainer = make(loss_stride=2, weight_decay=0.01, scale_rate=0.5, backbone_rate=0.25)
    net = copy.deepcopy(trainer.network).train()
    net.backbone.eval()
    photos, truth = next(trainer._batches())
    # Positions 0, 2, 4 ... of the crop: bilinear from the map at stride 16, then every other pixel.
    logits = functional.interpolate(
        net((photos.float() - 127.5) / 127.5), 65, mode="bilinear", align_corners=True
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
    for i, (new, scale, old) in enumerate(rates):
        assert new == pytest.approx(0.05 * trainer.recipe.rate(i, 4))
        assert (scale, old) == (pytest.approx(0.1 * new), pytest.approx(0.5 * new))


def test_loss_falls(make):
    trainer = make(
        ids=IDS[:1], augment=False, epochs=12, batch=1, warmup=0, backbone_rate=0, crop=97
    )
    losses = []
    update = trainer._update
    trainer._update = lambda *args: remember(update(*args), losses)
    trainer.run()
    assert losses[-1] < 0.5 * losses[0]


def remember(result, losses):
    losses.append(result.item())
    return result


# Kept views

KEPT = {"kept": 2, "backbone_rate": 0, "loss_stride": 4, "augment": True}


def test_kept_views_train_all_but_the_frozen_part(make):
    trainer = make(**KEPT)
    before = parts(trainer.network)
    network = trainer.run()
    assert trainer.iteration == 4
    assert moved(before, network) == ALL - {"backbone", "context"}
    assert len(trainer.feed.keep(network, trainer.out / "kept")) == 12


def test_views_are_seen_once(make, monkeypatch):
    make(**KEPT).run(stop=after(1))
    monkeypatch.setattr("segviz.network.backbone.Backbone.forward", None)
    trainer = make(**KEPT)
    trainer.run(resume=True)
    assert trainer.iteration == 4


def test_resumed_training_on_kept_views_is_the_same_training(make):
    whole = make("whole", **KEPT).run()
    make("parts", **KEPT).run(stop=after(2))
    assert tensor_hash(make("parts", **KEPT).run(resume=True)) == tensor_hash(whole)


def test_it_begins_as_a_classifier(make, tmp_path):
    wide = Architecture.of("mobilenetv2_100", levels=3)
    head = {"logits.weight": torch.randn(21, 256, 1, 1), "logits.bias": torch.randn(21)}
    save_file(head, tmp_path / "head.safetensors")
    values = {"classifier_init": tmp_path / "head.safetensors"}
    trainer = make(architecture=wide, values=values, learning_rate=1e-7, **KEPT)
    network = trainer.run(stop=after(1))
    assert torch.allclose(network.score_weight, head["logits.weight"][..., 0, 0], atol=1e-4)
    assert torch.allclose(network.score_bias, head["logits.bias"], atol=1e-4)
    kept = trainer.feed.keep(network, trainer.out / "kept")
    maps = [kept.sample(n, network.grid).maps.flatten(2)[0] for n in range(12)]
    assert torch.allclose(network.response_norm.bias, torch.cat(maps, 1).mean(1), atol=1e-3)


@pytest.mark.parametrize(
    ("recipe", "architecture", "pattern"),
    [
        ({}, Architecture.of("mobilenetv2_100", levels=3), "needs --kept"),
        (KEPT, TINY, r"logits.weight of shape \(21, 8, 1, 1\)"),
    ],
)
def test_classifier_that_does_not_fit(make, tmp_path, recipe, architecture, pattern):
    head = {"logits.weight": torch.zeros(21, 256, 1, 1), "logits.bias": torch.zeros(21)}
    save_file(head, tmp_path / "head.safetensors")
    values = {"classifier_init": tmp_path / "head.safetensors"}
    with pytest.raises(InputError, match=pattern):
        make(architecture=architecture, values=values, **recipe)


def test_views_of_a_backbone_that_learns_cannot_be_kept(make):
    with pytest.raises(InputError, match=r"--kept 2 .* give --backbone-rate 0 without torchrun"):
        make(**{**KEPT, "backbone_rate": 0.1})


# Resuming


def test_resumed_training_is_the_same_training(make):
    whole = make("whole").run()
    first = make("parts")
    first.run(stop=after(1))
    assert first.iteration == 1
    second = make("parts")
    second.run(resume=True, stop=after(2))
    assert second.iteration == 3
    last = make("parts")
    assert tensor_hash(last.run(resume=True)) == tensor_hash(whole)
    assert last.iteration == 4


def test_training_is_deterministic(make):
    assert tensor_hash(make("a").run()) == tensor_hash(make("b").run())
    assert tensor_hash(make("c", seed=1).run()) != tensor_hash(make("a").run())


def test_reading_processes_change_nothing(make):
    alone = make("a").run(stop=after(2))
    helped = make("b", values={"loaders": 1}).run(stop=after(2))
    assert tensor_hash(alone) == tensor_hash(helped)


def test_resume_after_the_end(make):
    expected = tensor_hash(make().run())
    again = make()
    assert tensor_hash(again.run(resume=True)) == expected and again.iteration == 4


def test_resume_without_a_state_begins(make):
    trainer = make()
    trainer.run(resume=True, stop=after(1))
    assert trainer.iteration == 1 and trainer.state_path.exists()


def test_without_resume_it_begins_again(make):
    make().run(stop=after(3))
    trainer = make()
    trainer.run(stop=after(1))
    assert trainer.iteration == 1
    rows = list(csv.DictReader((trainer.out / "log.csv").open()))
    assert [row["iteration"] for row in rows] == ["1"]


def test_a_kill_while_saving_leaves_the_old_state(make, monkeypatch):
    trainer = make()
    trainer.run(stop=after(2))
    assert sorted(path.name for path in trainer.out.iterdir()) == ["log.csv", "state.safetensors"]
    state = trainer.state_path.read_bytes()

    def kill(tensors, path, metadata):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("segviz.training.state.save_file", kill)
    with pytest.raises(KeyboardInterrupt):
        trainer.save_state()
    assert trainer.state_path.read_bytes() == state


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"batch": 4}, r"other batch \(2, now 4\)"),
        ({"seed": 3, "crop": 81}, r"other crop \(65, now 81\), seed \(0, now 3\)"),
        ({"architecture": replace(TINY, channels=4)}, r"other channels \(8, now 4\)"),
        ({"ids": IDS[:5]}, "other images"),
        ({"ids": [*IDS[:5], "2007_000007"]}, "other ids"),
    ],
)
def test_resume_with_other_options(make, changes, pattern):
    make().run(stop=after(1))
    with pytest.raises(InputError, match=pattern + ".*same options or choose another --out"):
        make(**changes).run(resume=True)


@pytest.mark.parametrize("content", [b"", b"no tensors", None])
def test_damaged_state(make, content):
    trainer = make()
    trainer.run(stop=after(1))
    if content is None:  # safetensors, but not a state
        save_file({"a": torch.zeros(1)}, trainer.state_path)
    else:
        trainer.state_path.write_bytes(content)
    with pytest.raises(InputError, match=r"state .* is damaged .*; train without --resume"):
        make().run(resume=True)


# Refusals


def test_loss_that_is_no_number(make):
    trainer = make()
    trainer.network.score_bias.data[3] = torch.nan
    with pytest.raises(InputError, match=r"loss is nan after 4 updates; .*--lr below 0\.05"):
        trainer.run()
    assert not trainer.state_path.exists()


@pytest.mark.parametrize("loaders", [0, 1])
def test_missing_image(make, loaders):
    trainer = make(ids=["2007_999999"], values={"loaders": loaders}, batch=1)
    with pytest.raises(InputError, match=r"^The photo of 2007_999999 is missing.*\.$") as caught:
        trainer.run()
    assert "\n" not in str(caught.value)


def test_no_images(make):
    with pytest.raises(InputError, match="no training images; check the split and --exclude"):
        make(ids=[])


def test_negative_loaders(make):
    with pytest.raises(InputError, match="loaders is -1"):
        make(values={"loaders": -1})


def test_batch_that_cannot_be_shared(make, monkeypatch):
    monkeypatch.setattr(Workers, "here", lambda: Workers(0, 3, 0))
    with pytest.raises(InputError, match="batch of 2 cannot be shared by 3 processes; choose a mu"):
        make()


# Where it begins


def test_initial_weights(make, tmp_path):
    donor = make("donor", seed=9).network
    for name, module in (("init", donor.backbone.net), ("context", donor.context)):
        tensors = {key: value.contiguous() for key, value in module.state_dict().items()}
        save_file(tensors, tmp_path / f"{name}.safetensors")
    trainer = make(
        values={
            "init": tmp_path / "init.safetensors",
            "context_init": tmp_path / "context.safetensors",
        }
    )
    before, given = parts(trainer.network), parts(donor)
    for name in ("backbone", "context"):
        assert all(torch.equal(a, b) for a, b in zip(before[name], given[name], strict=True))
    assert not torch.equal(before["score_weight"][0], given["score_weight"][0])


def test_context_that_does_not_fit(make, tmp_path):
    path = tmp_path / "context.safetensors"
    save_file({"aspp0.weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="does not hold the context module's tensors aspp0"):
        make(values={"context_init": path})
    with pytest.raises(InputError, match="needs a network with the pooled context module"):
        make(architecture=replace(TINY, pooled_context=False), values={"context_init": path})


def test_start_from_a_checkpoint(make, tmp_path):
    donor = make("donor", seed=9)
    donor.finish(tmp_path / "net.safetensors", {})
    trainer = make(values={"start": str(tmp_path / "net.safetensors")})
    expected = checkpoint.load(str(tmp_path / "net.safetensors")).network
    assert tensor_hash(trainer.network) == tensor_hash(expected)
    assert all(p.requires_grad for p in trainer.network.parameters())
    with pytest.raises(InputError, match="has another architecture"):
        make(
            architecture=replace(TINY, levels=4),
            values={"start": str(donor.out / "../net.safetensors")},
        )


# What it writes


def test_finish(make, tmp_path):
    trainer = make()
    network = trainer.run()
    card = trainer.finish(tmp_path / "cards" / "net.safetensors", {"origin": "chance"})
    loaded = checkpoint.load(str(tmp_path / "cards" / "net.safetensors"))
    assert loaded.card == json.loads(json.dumps(card))
    assert card["name"] == "net" and card["origin"] == "chance"
    assert card["classes"] == list(CLASSES)
    assert card["training"]["images"] == 6 and card["training"]["iterations"] == 4
    assert card["training"]["learning_rate"] == 0.05 and card["architecture"]["channels"] == 8
    x = torch.randn(1, 3, 65, 65)
    with torch.no_grad():
        difference = (loaded.network(x) - network(x)).abs().max()
    assert difference < 0.1  # float16


def test_log(make):
    trainer = make()
    trainer.run()
    (row,) = csv.DictReader((trainer.out / "log.csv").open())
    assert row["iteration"] == "4" and float(row["epoch"]) == pytest.approx(4 / 3, abs=1e-3)
    assert 0 < float(row["loss"]) < 20 and 0 <= float(row["train_miou"]) <= 1


def test_log_grows_when_resumed(make):
    make().run(stop=after(1))
    make().run(resume=True)
    rows = list(csv.DictReader((make().out / "log.csv").open()))
    assert [row["iteration"] for row in rows] == ["1", "4"]


# Two processes


def torchrun(*arguments, cwd):
    """The output of a command in two processes on this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    here = str(Path(segviz.__file__).parents[1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": here}
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def together(first, second, updates):
    """What two processes do, in one: gradients averaged, statistics of the first."""
    pair = (first, second)
    for rank, trainer in enumerate(pair):
        trainer.workers = Workers(rank, 2, rank)
    for batches in zip(*(trainer._batches() for trainer in pair), strict=True):
        for a, b in zip(first.network.buffers(), second.network.buffers(), strict=True):
            b.copy_(a)
        steps = [trainer.optimiser.step for trainer in pair]
        for trainer, batch in zip(pair, batches, strict=True):
            trainer.optimiser.step = lambda: None
            trainer._update(trainer.network, batch)
        for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):
            mean = (a.grad + b.grad) / 2
            a.grad, b.grad = mean, mean.clone()
        for trainer, step in zip(pair, steps, strict=True):
            trainer.optimiser.step = step
            step()
            trainer.iteration += 1
        if first.iteration == updates:
            return first.network.eval()
    raise AssertionError


@pytest.fixture
def one_thread():
    """Sums in the order of a process that has one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_average_their_gradients(make, voc_root, tmp_path):
    options = {"backbone": "mobilenetv2_100", "channels": 8, "levels": 3, "crop": 65, "batch": 4}
    options |= {"epochs": 2, "lr": 0.05, "warmup": 2, "loaders": 0, "split": "train"}
    arguments = [text for key, value in options.items() for text in (f"--{key}", value)]
    torchrun(
        "-m",
        "segviz",
        "train",
        "--voc-root",
        voc_root,
        "--out",
        tmp_path / "two",
        *arguments,
        cwd=tmp_path,
    )
    expected = together(make("a", batch=4, epochs=2), make("b", batch=4, epochs=2), updates=3)
    state = load_file(tmp_path / "two" / "state.safetensors")
    for name, value in expected.state_dict().items():
        assert torch.allclose(state[f"model.{name}"].float(), value.float(), atol=1e-5), name
    assert (tmp_path / "two" / "network.safetensors").exists()


SCRIPT = """
import sys
from pathlib import Path
from segviz.network import Architecture
from segviz.training.recipe import Recipe
from segviz.training.trainer import Trainer
root, out, *ids = sys.argv[1:]
recipe = Recipe(crop=65, batch=2, epochs=4 / 3, learning_rate=0.05, warmup=2)
architecture = Architecture.of("mobilenetv2_100", channels=8, levels=3)
trainer = Trainer(Path(root), ids, architecture, recipe, Path(out), loaders=0)
trainer.run(stop=lambda: trainer.workers.rank == 1 and trainer.iteration == 2)
print("stopped after", trainer.iteration)
"""


@pytest.mark.slow
def test_one_process_stops_all(make, voc_root, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    out = torchrun(tmp_path / "script.py", voc_root, tmp_path / "out", *IDS, cwd=tmp_path)
    assert out.count("stopped after 2") == 2
    resumed = make()
    resumed.run(resume=True)
    assert resumed.iteration == 4


# A teacher

# The maps of random networks are large: a higher rate is too high for what compares them.
TAUGHT = {"distil": 1.0, "hints": 1.0, "learning_rate": 1e-4}


def test_teacher_takes_part_in_training(make, checkpoint_path):
    values = {"teacher": str(checkpoint_path)}
    plain, taught = make(learning_rate=1e-4), make("taught", values=values, **TAUGHT)
    regressors = [p.clone() for p in taught.teacher.parameters()]
    plain.run(), taught.run()
    assert "backbone" in moved(parts(plain.network), taught.network)
    assert all(
        not torch.equal(a, b) for a, b in zip(regressors, taught.teacher.parameters(), strict=True)
    )
    assert not any(name.startswith("regressors") for name in taught.network.state_dict())


def test_weights_of_the_teachers_parts_add_up(make, checkpoint_path):
    """The first loss is linear in the weights."""

    def first(**weights):
        values = {"teacher": str(checkpoint_path)} if weights else {}
        trainer = make("first", values=values, **weights)
        return trainer._update(trainer.network, next(trainer._batches())).item()

    alone = first()
    distil, hints = first(distil=1.0) - alone, first(hints=1.0) - alone
    assert distil > 0.01 and hints > 0.5
    assert first(distil=2.0, hints=3.0) == pytest.approx(alone + 2 * distil + 3 * hints, rel=1e-4)


def test_teacher_is_not_written_to(make, checkpoint_path):
    trainer = make(values={"teacher": str(checkpoint_path)}, **TAUGHT)
    before = tensor_hash(trainer.teacher.network)
    trainer.run()
    assert tensor_hash(trainer.teacher.network) == before


def test_resumed_training_with_a_teacher_is_the_same_training(make, checkpoint_path):
    options = {"values": {"teacher": str(checkpoint_path)}, **TAUGHT}
    whole = make("whole", **options)
    whole.run()
    make("parts", **options).run(stop=after(2))
    resumed = make("parts", **options)
    resumed.run(resume=True)
    assert tensor_hash(resumed.network) == tensor_hash(whole.network)
    assert tensor_hash(resumed.teacher) == tensor_hash(whole.teacher)


def test_resume_with_another_teacher(make, checkpoint_path):
    make(values={"teacher": str(checkpoint_path)}, distil=1.0).run(stop=after(1))
    with pytest.raises(InputError, match=r"was made with other teacher; resume with the same"):
        make(values={"teacher": "mobilenetv2_100-voc"}, distil=1.0).run(resume=True)


@pytest.mark.parametrize(
    ("teacher", "recipe", "pattern"),
    [
        (
            None,
            {"distil": 1.0},
            r"distil is 1 and hints is 0, but there is no teacher; .*--teacher",
        ),
        (None, {"hints": 2.0}, r"distil is 0 and hints is 2, but there is no teacher"),
        ("tiny", {}, r"give --distil or --hints with it, and no --kept"),
        (
            "tiny",
            {"distil": 1.0, "kept": 1, "backbone_rate": 0.0},
            r"sees new samples: .*no --kept",
        ),
        ("missing", {"distil": 1.0}, r"missing"),
    ],
)
def test_teacher_that_does_not_fit(make, checkpoint_path, teacher, recipe, pattern):
    name = str(checkpoint_path) if teacher == "tiny" else teacher
    with pytest.raises(InputError, match=pattern):
        make(values={"teacher": name}, **recipe)


def test_teacher_of_other_classes(make, checkpoint_path):
    with pytest.raises(InputError, match=r"teacher .* has 21 classes, the network 5; give one of"):
        make(
            architecture=replace(TINY, classes=5),
            values={"teacher": str(checkpoint_path)},
            distil=1.0,
        )


def test_hints_in_several_processes(make, checkpoint_path, monkeypatch):
    monkeypatch.setattr(Workers, "here", classmethod(lambda cls: cls(0, 2, 0)))
    with pytest.raises(InputError, match=r"hints is 1, but several processes share no hints"):
        make(values={"teacher": str(checkpoint_path)}, hints=1.0)


# Photos in memory, minutes, beginnings


@pytest.mark.parametrize("loaders", [0, 2])
def test_photos_in_memory_change_nothing(make, loaders):
    read, kept = make("read"), make("kept", values={"memory": True, "loaders": loaders})
    for a, b in zip(read._batches(), kept._batches(), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_missing_image_in_memory(make):
    with pytest.raises(InputError, match="2099_000001"):
        make(ids=[*IDS, "2099_000001"], values={"memory": True, "loaders": 1}).run()


def test_minutes_end_a_run(make):
    trainer = make(epochs=1000.0, minutes=2 / 60)
    trainer.run()
    assert trainer.done and 1 <= trainer.iteration < trainer.iterations
    assert 2 <= trainer.seconds < 20
    # All but none of the rate is left at the end.
    assert trainer.optimiser.param_groups[0]["lr"] < 0.6 * 0.05
    resumed = make(epochs=1000.0, minutes=2 / 60)
    resumed.run(resume=True)
    assert resumed.iteration == trainer.iteration
    assert tensor_hash(resumed.network) == tensor_hash(trainer.network)


def test_minutes_that_are_not_used_change_nothing(make):
    free, limited = make("free"), make("limited", minutes=1e6)
    free.run(), limited.run()
    for a, b in zip(free.network.parameters(), limited.network.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_card_says_what_it_began_as(make, tmp_path):
    first = make("first")
    first.run()
    path = tmp_path / "first.safetensors"
    card = first.finish(path, {"command": "the first"})
    second = make("second", values={"start": str(path)})
    second.run()
    began = second.finish(tmp_path / "second.safetensors", {})["began_as"]
    assert began["sha256"] == card["sha256"] and began["command"] == "the first"
    assert began["training"] == card["training"] and "began_as" not in card
