"""README and docs keep their word: commands parse, Python runs, links and names exist."""

import json
import re
import shlex
import shutil
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest

from segviz.adapt.methods import METHODS
from segviz.adapt.objectives import OBJECTIVES
from segviz.cli.parser import COMMANDS, create_parser
from segviz.data import samples

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOOLS = {
    "ruff": "ruff",
    "mypy": "mypy",
    "lint-imports": "import-linter",
    "pre-commit": "pre-commit",
}
RUNS = ("run", "export")  # cheap enough to run on a miniature


def blocks(page, *languages):
    """Return the fenced blocks of a page in a language."""
    return [
        text for language, text in FENCE.findall((ROOT / page).read_text()) if language in languages
    ]


def commands():
    """Return every shell command of every page."""
    return list(_commands())


def _commands():
    for page in PAGES:
        for block in blocks(page, "sh", "bash", "shell", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                for command in line.split("&&"):
                    if words := shlex.split(command, comments=True):
                        yield pytest.param(words, id=f"{page}: {shlex.join(words)}"[:90])


def segviz_arguments(words):
    """Return what follows `segviz` in a command, or None for another program."""
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    program = Path(words[0]).name
    if program == "segviz":
        return words[1:]
    if "-m" in words and words[words.index("-m") + 1] == "segviz":
        return words[words.index("-m") + 2 :]
    return None


def options_of(arguments):
    """Return the parsed options, and those that `app` passes to Streamlit."""
    options, unknown = create_parser().parse_known_args(arguments)
    assert not unknown or options.command == "app", unknown
    return options, unknown


@pytest.mark.parametrize("words", commands())
def test_command(words):
    arguments = segviz_arguments(words)
    if arguments is not None:
        _, unknown = options_of(arguments)
        assert_streamlit_knows(unknown)
        return
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    program, rest = Path(words[0]).name, words[1:]
    files = [word for word in rest if re.search(r"\.(py|txt|toml|json)$", word)]
    for file in files:
        assert (ROOT / file).is_file(), file
    if program == "pip":
        assert rest[0] == "install"
        if not files:
            known = (ROOT / "requirements.txt").read_text()
            packages = [word for word in rest[1:] if re.fullmatch(r"[a-z]+", word)]
            assert all(f"{package}>=" in known for package in packages)
    elif program == "streamlit":
        assert rest[:2] == ["run", "app.py"]
        assert_streamlit_knows(rest[2:])
    elif program in ("python", "python3"):
        assert files or rest[:2] == ["-m", "venv"] or rest[1] in ("pytest", "build")
    elif program == "torchrun":
        assert files
    elif package := TOOLS.get(program):
        assert f"\n{package}>=" in (ROOT / "requirements-dev.txt").read_text()
    elif program == "npm":
        assert (ROOT / "package.json").is_file()
    else:
        pytest.fail(f"there is no check for the program {program!r}")


def assert_streamlit_knows(flags):
    """Check names of options of Streamlit."""
    from streamlit import config

    for flag in flags:
        name = flag.removeprefix("--").split("=")[0]
        config.get_option(name)  # raises where there is none


@pytest.fixture
def miniature(tmp_path, files, voc_root, monkeypatch, photo, truth):
    """Work in a folder with a small photo.jpg, mask.png and VOC, and small samples."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo).save("photo.jpg")
    shutil.copy(files / "mask.png", "mask.png")
    shutil.copytree(voc_root.parent, "data/VOCdevkit")
    monkeypatch.setattr(samples, "load", lambda name: (photo, truth))
    before = [(registry, dict(registry)) for registry in (OBJECTIVES, METHODS)]
    yield tmp_path
    for registry, entries in before:  # without what a page adds
        registry.clear()
        registry.update(entries)


@pytest.mark.parametrize("page", PAGES)
def test_commands_on_a_miniature(cli, miniature, page):
    """What is run on one photo, in the page's order, so that a later command finds the files."""
    run = 0
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            arguments = segviz_arguments(shlex.split(line, comments=True) or ["-"])
            if not arguments or arguments[0] not in RUNS:
                continue
            options, _ = options_of(arguments)
            small = ()
            if options.command == "run":
                steps = max(1, min(options.steps or 32, 32))
                small = ("--scale", 0.5, "--steps", steps)
            code, out, err = cli(*arguments, *small, trained=options.command == "run")
            assert code == 0, err
            if options.json:
                assert json.loads(out)["steps"]
            run += 1
    assert run or page not in ("README.md", "docs/command_line.md", "docs/exports.md")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_python(miniature, page):
    """All blocks of a page, one after the other, in one namespace."""
    namespace = {}
    for block in blocks(page, "python"):
        exec(compile(block, page, "exec"), namespace)
    assert namespace["record"].last > 0


@pytest.mark.parametrize("page", PAGES)
def test_links(page):
    text = re.sub(r"`[^`]+`", "", FENCE.sub("", (ROOT / page).read_text()))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            assert anchor in anchors, target


@pytest.mark.parametrize("page", PAGES)
def test_paths_in_the_text(page):
    """Files of the repository that a page names."""
    folders = "segviz|pages|tests|benchmarks|tools|results|checkpoints"
    text = (ROOT / page).read_text()
    for path in re.findall(rf"(?<![\w/.])((?:{folders})/[\w./-]+\.(?:py|json|txt|zip|md))\b", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", [page for page in PAGES if not re.search("findings|viewer", page)])
def test_options_in_the_text(page):
    """Options that a page names, outside its commands."""
    known = set()
    for command in COMMANDS.values():
        parser = ArgumentParser()
        command.module.add_options(parser)
        known |= set(re.findall(r"--[a-z-]+", parser.format_help()))
    text = FENCE.sub("", (ROOT / page).read_text())
    for code in re.findall(r"`([^`\n]+)`", text):
        for option in re.findall(r"(?<!\S)--[a-z-]+", code):
            assert option in known, option


def test_architecture_lists_every_module():
    table = dict(
        re.findall(
            r"^\| `segviz/(\w+)/` \| [^|]+ \| ([^|]+) \|$",
            (ROOT / "docs/architecture.md").read_text(),
            re.MULTILINE,
        )
    )
    rooms = {folder.parent.name for folder in (ROOT / "segviz").glob("*/__init__.py")}
    assert table.keys() == rooms
    for room, cell in table.items():
        modules = {path.stem for path in (ROOT / "segviz" / room).glob("[!_]*.py")}
        assert set(re.findall(r"`(\w+)`", cell)) == modules, room


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 130


def test_numbers_in_the_readme_are_those_of_the_results():
    text = (ROOT / "README.md").read_text()
    whole = json.loads((ROOT / "results/val-feedforward.json").read_text())["results"]
    ((_, model),) = json.loads((ROOT / "results/table-3.json").read_text())["models"].items()
    miou = {
        (row["method"], row["variables"], row["scale"], row["steps"]): row["miou"]
        for row in model["results"]
    }
    start = {scale: miou["feedforward", None, scale, 0] for scale in (1, 3)}
    for value in (*(row["miou"] for row in whole), *start.values()):
        assert f"{100 * value:.1f} %" in text
    for method in ("entropy", "entropy-two-scales:centred", "oracle", "adversary"):
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{method}`"))
        for scale, cell in zip((1, 3), row.split("|")[2:4], strict=True):
            gains = [
                miou[method, kind, scale, 32] - start[scale] for kind in ("score", "scale", "both")
            ]
            assert np.array_equal(
                [float(part) for part in cell.split("/")], [round(100 * gain, 1) for gain in gains]
            )
