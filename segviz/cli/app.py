"""segviz app: serve the app with Streamlit."""

from argparse import Namespace

from ..errors import InputError
from ..runtime import resources

__all__ = ["app"]


def app(options: Namespace) -> int:
    """Serve the app until Ctrl-C, with the repository's or the wheel's own configuration."""
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
