"""Style the app from its first frame on: Streamlit applies the styles of a script only late."""

from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["EarlyStyle"]

STYLE = Path(__file__).parents[1] / "style.css"
HEAD_END = b"</head>"


class EarlyStyle:
    """Middleware that puts the style of the app into the head of every HTML page.

    Arguments:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._style = f"<style>{STYLE.read_text(encoding='utf-8')}</style>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_with_style(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_plain_html(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    styled = body.replace(HEAD_END, self._style + HEAD_END, 1)
                    headers = MutableHeaders(raw=start["headers"])
                    if "content-length" in headers and scope["method"] != "HEAD":
                        headers["content-length"] = str(len(styled))
                    await send(start)
                    await send({**message, "body": styled})

        await self._app({**scope, "headers": _uncompressed(scope)}, receive, send_with_style)


def _is_plain_html(message: Message) -> bool:
    headers: Any = MutableHeaders(raw=list(message.get("headers", [])))
    return headers.get("content-type", "").startswith("text/html") and (
        "content-encoding" not in headers
    )


def _uncompressed(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request; one for a page asks for all of it, uncompressed.

    What a browser has kept may be a page with another style.
    """
    headers = list(scope["headers"])
    accepts = dict(headers).get(b"accept", b"")
    if b"text/html" not in accepts:
        return headers
    left_out = (b"accept-encoding", b"if-none-match", b"if-modified-since")
    return [(name, value) for name, value in headers if name not in left_out]
