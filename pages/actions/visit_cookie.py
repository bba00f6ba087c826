"""Name the visit of a browser by a cookie."""

from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segviz.jobs.limits import KEEP_DAYS
from segviz.jobs.visit_store import is_token, new_token

from ..state.visits import COOKIE

__all__ = ["VisitCookie"]


class VisitCookie:
    """Middleware that gives every browser that opens a page a random token as a cookie.

    No script can read it (HttpOnly), and a page of another site that posts or embeds sends none
    (SameSite). It expires when its runs do.

    Arguments:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = dict(scope.get("headers", ()))
        is_page = scope.get("method") == "GET" and b"text/html" in headers.get(b"accept", b"")
        if scope["type"] != "http" or not is_page:
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                is_secure = (
                    scope.get("scheme") == "https" or headers.get(b"x-forwarded-proto") == b"https"
                )
                _set_cookie(message, _token(headers.get(b"cookie", b"")), is_secure)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _token(header: bytes) -> str:
    """Return the token that a browser sent, or a new one."""
    try:
        sent = SimpleCookie(header.decode("latin-1")).get(COOKIE)
    except CookieError:
        sent = None
    return sent.value if sent is not None and is_token(sent.value) else new_token()


def _set_cookie(message: MutableMapping[str, Any], token: str, is_secure: bool) -> None:
    parts = [f"{COOKIE}={token}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if KEEP_DAYS > 0:  # otherwise it ends with the browser's session
        parts.append(f"Max-Age={round(86_400 * KEEP_DAYS)}")
    if is_secure:
        parts.append("Secure")
    header = (b"set-cookie", "; ".join(parts).encode("latin-1"))
    message["headers"] = [*message.get("headers", []), header]
