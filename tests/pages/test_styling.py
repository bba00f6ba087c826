"""The style of the app in its HTML."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages.actions.styling import EarlyStyle


def answer(headers, *parts):
    """The headers and the body of a response, behind the middleware."""

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for i, part in enumerate(parts):
            more = i < len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": more})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "headers": [(b"accept", b"text/html")]}
    # In a thread of its own: browser tests leave a running loop in the main thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, EarlyStyle(application)(scope, None, send)).result()
    return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def test_pages_of_html_get_the_style_in_their_head():
    html = (b"<html><he", b"ad></head><body></body></html>")
    length = str(len(b"".join(html))).encode()
    headers, body = answer([(b"content-type", b"text/html"), (b"content-length", length)], *html)
    assert body.index(b"--segviz-top") < body.index(b"</head>")
    assert headers[b"content-length"] == str(len(body)).encode()


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-type", b"text/plain")],
        [(b"content-type", b"text/html"), (b"content-encoding", b"gzip")],
    ],
)
def test_other_answers_stay_as_they_are(headers):
    assert answer(headers, b"</head>", b"!") == (dict(headers), b"</head>!")
