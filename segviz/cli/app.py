"""segviz app: serve the app with Streamlit."""

from argparse import ArgumentParser, Namespace

from ..errors import InputError
from ..runtime import resources

__all__ = ["add_options", "run"]


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz app`."""
    command.epilog = "Other options go to Streamlit, such as --server.maxUploadSize=50."
    command.allow_abbrev = False  # a prefix of an option here may be an option of Streamlit
    command.add_argument("--port", type=int, help="TCP port (default: 8501, or the next free one)")
    command.add_argument("--address", metavar="HOST", help="interface (default: localhost)")
    command.add_argument("--headless", action="store_true", help="do not open a browser")
    command.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="SPELLING",
        help="also offer this network, a path or as in segviz run; repeatable",
    )
    command.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="let visitors browse the photos in DIR/images with the masks in DIR/masks and the"
        " classes in DIR/classes.txt, or photos in DIR; repeatable",
    )


def run(options: Namespace) -> int:
    """Serve the app until Ctrl-C, with the repository's or the wheel's own configuration."""
    from ..jobs import catalogue

    catalogue.offer(options.checkpoint, options.data)
    import click
    from streamlit.web import cli

    # Streamlit reads .streamlit/config.toml from the folder of the script it runs.
    arguments = ["run", str(resources.folder() / "app.py"), *_flags(options)]
    try:
        cli.main(arguments, prog_name="streamlit", standalone_mode=False)
    except click.ClickException as error:
        raise InputError(
            f"Streamlit refuses {' '.join(options.streamlit)!r} ({error.format_message()});"
            " `streamlit run --help` lists its options."
        ) from error
    return 0


def _flags(options: Namespace) -> list[str]:
    flags = [
        f"--server.{name}={value}"
        for name in ("port", "address")
        if (value := getattr(options, name)) is not None
    ]
    return [*flags, *(["--server.headless=true"] if options.headless else []), *options.streamlit]
