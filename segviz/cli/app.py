"""segviz app: serve the app with Streamlit."""

import os
from argparse import ArgumentParser, Namespace

from ..errors import InputError
from ..runtime import resources
from ..validation import check_range

__all__ = ["add_options", "run"]

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""The names of this computer, as in .streamlit/config.toml."""


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz app`."""
    command.epilog = "Other options go to Streamlit, such as --server.maxUploadSize=50."
    command.allow_abbrev = False  # a prefix of an option here may be an option of Streamlit
    command.add_argument("--port", type=int, help="TCP port (default: 8501, or the next free one)")
    command.add_argument("--address", metavar="HOST", help="interface (default: localhost)")
    command.add_argument("--headless", action="store_true", help="do not open a browser")
    command.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that visitors reach the server by, beside localhost; repeatable",
    )
    command.add_argument(
        "--shared",
        action="store_true",
        help="for visitors who are strangers: no field for folders of the server, no evaluations,"
        " no updates of all parameters",
    )
    for name, default, help in (
        ("scale", 4, "largest scale"),
        ("steps", 128, "largest number of steps"),
        ("queue", 50, "largest number of runs that wait"),
        ("queue-of-visit", 10, "largest number of runs of one visitor in the queue"),
        ("long-side", 4096, "largest long side of photos, in pixels"),
        ("megabytes", 1000, "largest size of the runs of all visits together"),
    ):
        command.add_argument(
            f"--max-{name}", metavar="N", help=f"{help} (default: {default}, with --shared less)"
        )
    for name, help in (
        ("days", "days that the runs of visits are kept on disk, 0 = not at all"),
        ("megabytes", "largest size of the runs of all visits on disk"),
    ):
        command.add_argument(
            f"--keep-{name}",
            metavar="N",
            help=f"{help} (default: {KEPT[name]}, with --shared {SHARED_KEPT[name]})",
        )
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
    _set_limits(options)
    from ..jobs import catalogue, limits

    check_range("--max-scale", limits.APP_LIMITS["scale"][1], 0.5, 4)
    check_range("--max-steps", limits.APP_LIMITS["steps"][1], 0, 128)
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


SHARED_LIMITS = {
    "scale": "3",
    "steps": "64",
    "long_side": "1000",
    "queue": "8",
    "queue_of_visit": "3",
    "megabytes": "500",
}
"""The limits with --shared, where the operator gives no others."""


KEPT = {"days": "30", "megabytes": "2000"}
"""How long, and how much of, the runs of visits are kept; `jobs.limits` has the same defaults."""

SHARED_KEPT = {"days": "1", "megabytes": "1000"}
"""The same with --shared, where the operator gives no others."""


def _set_limits(options: Namespace) -> None:
    """Set the environment variables that `jobs.limits` reads when it is imported."""
    if options.shared:
        os.environ["SEGVIZ_SHARED"] = "1"
    for prefix, limits in (("max", SHARED_LIMITS), ("keep", SHARED_KEPT)):
        for name, shared in limits.items():
            value = getattr(options, f"{prefix}_{name}") or (shared if options.shared else None)
            if value is not None:
                os.environ[f"SEGVIZ_{prefix.upper()}_{name.upper()}"] = value


def _flags(options: Namespace) -> list[str]:
    flags = [
        f"--server.{name}={value}"
        for name in ("port", "address")
        if (value := getattr(options, name)) is not None
    ]
    hosts = [*LOCAL_HOSTS, *options.host]
    if options.address is not None and options.address not in ("0.0.0.0", "::"):
        hosts.append(options.address)
    flags += [f"--server.allowedHosts={host}" for host in dict.fromkeys(hosts)]
    return [*flags, *(["--server.headless=true"] if options.headless else []), *options.streamlit]
