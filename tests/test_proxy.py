"""The shared app behind Debian's nginx, with the configuration and the command of SECURITY.md."""

import base64
import http.client
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
PASSWORD = {"Authorization": "Basic " + base64.b64encode(b"visitor:secret").decode()}
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "streamlit",
}
HOST = "segviz.example.org"
CONFIGURATION = """
daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="needs nginx")]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def status(port, path, host=HOST, method="GET", **headers):
    """The status of the answer to a request, whose connection is closed; 0 = none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with suppress(ConnectionError):
        connection.request(method, path, headers={"Host": host, **headers})
        found = connection.getresponse().status
        connection.close()
        return found
    return 0


def wait_for(program, answers):
    end = time.monotonic() + 100
    while not answers():
        assert program.poll() is None and time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """The port of nginx before the app; both as SECURITY.md says, but for ports and folders."""
    folder = tmp_path_factory.mktemp("nginx")
    text = (ROOT / "SECURITY.md").read_text()
    app_port, port = free_port(), free_port()
    location = re.search("```nginx\n(.*?)```", text, re.S)[1].replace("8501", str(app_port))
    users = folder / "users"
    users.write_text("visitor:{PLAIN}secret\n")
    location = location.replace("/etc/nginx/segviz.htpasswd", str(users))
    configuration = folder / "nginx.conf"
    # Its workers would be nobody, who may not read pytest's folders.
    user = "user root;" if os.geteuid() == 0 else ""
    values = {"folder": folder, "user": user, "port": port, "location": location}
    configuration.write_text(CONFIGURATION.format(**values))
    command = re.search("with `segviz (app .*baseUrlPath.*)`", text)[1]
    words = [sys.executable, "-m", "segviz", *shlex.split(command), "--port", str(app_port)]
    environment = {**os.environ, "SEGVIZ_RUNS": str(folder / "runs"), "PYTHONPATH": str(ROOT)}
    programs = []
    try:
        programs.append(subprocess.Popen(words, cwd=folder, env=environment))
        wait_for(
            programs[0], lambda: status(app_port, "/segviz/_stcore/health", "localhost") == 200
        )
        programs.append(subprocess.Popen([NGINX, "-p", folder, "-c", configuration]))
        wait_for(programs[1], lambda: status(port, "/segviz/"))
        yield port
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait(60)


def test_strangers_need_the_password(proxy):
    assert status(proxy, "/segviz/") == 401
    assert status(proxy, "/segviz/_stcore/stream", **HANDSHAKE) == 401


def test_visitors_with_the_password_get_page_and_websocket(proxy):
    assert status(proxy, "/segviz/", **PASSWORD) == 200
    assert status(proxy, "/segviz/_stcore/stream", **PASSWORD, **HANDSHAKE) == 101
    own = {"Origin": f"https://{HOST}"}
    assert status(proxy, "/segviz/_stcore/stream", **PASSWORD, **HANDSHAKE, **own) == 101


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example.com", None),
        ("evil.example.com", "evil.example.com"),
        (HOST, "evil.example.com"),
    ],
)
def test_foreign_names_get_no_websocket(proxy, host, origin):
    """A page whose name was led to this server, and a page of another site."""
    headers = {} if origin is None else {"Origin": f"http://{origin}"}
    found = status(proxy, "/segviz/_stcore/stream", host, **PASSWORD, **HANDSHAKE, **headers)
    assert found == 403


def test_other_sites_upload_nothing(proxy):
    path = "/segviz/_stcore/upload_file/a/b"
    for host in (HOST, "evil.example.com"):
        assert status(proxy, path, host, method="PUT", **PASSWORD) in (400, 403)


def test_other_sites_get_no_frame(proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=30)
    connection.request("GET", "/segviz/", headers={"Host": HOST, **PASSWORD})
    assert connection.getresponse().headers["X-Frame-Options"] == "SAMEORIGIN"
    connection.close()
