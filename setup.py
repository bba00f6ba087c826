"""Copy the app and its data into the package; everything else is in pyproject.toml."""

from pathlib import Path
from shutil import copyfile

from setuptools import Command, setup
from setuptools.command.build import build

ROOT = Path(__file__).parent
APP = "segviz/_app"  # what segviz.runtime.resources looks for
FILES = (
    "app.py",
    ".streamlit/config.toml",
    "pages/**/*.py",
    "pages/**/*.css",
    "pages/*.png",
    "checkpoints/*.json",
    "checkpoints/*.safetensors",
    "results/*.json",
)


class BuildApp(Command):
    """Copy the files beside the package into it; an editable install reads them in place."""

    build_lib: str
    editable_mode: bool

    def initialize_options(self) -> None:
        self.build_lib = ""
        self.editable_mode = False

    def finalize_options(self) -> None:
        self.build_lib = self.get_finalized_command("build_py").build_lib

    def run(self) -> None:
        for target, source in self.get_output_mapping().items():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            copyfile(source, target)

    def get_source_files(self) -> list[str]:
        found = {path for pattern in FILES for path in ROOT.glob(pattern)}
        return sorted(path.relative_to(ROOT).as_posix() for path in found)

    def get_outputs(self) -> list[str]:
        return list(self.get_output_mapping())

    def get_output_mapping(self) -> dict[str, str]:
        if self.editable_mode:
            return {}
        return {f"{self.build_lib}/{APP}/{name}": name for name in self.get_source_files()}


class Build(build):
    sub_commands = [*build.sub_commands, ("build_app", None)]  # noqa: RUF012 (setuptools' name)


setup(cmdclass={"build": Build, "build_app": BuildApp})
