"""Web servers of other people, as they serve a folder."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

import httpx
import pytest

from tests.support.processes import wait_for

NGINX: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

#: As the guide has it, in a server that needs no rights.
_CONFIGURATION: Final = """
daemon off;
master_process off;
pid {work}/pid;
error_log {work}/error.log;
events {{}}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  client_body_temp_path {work}/body;
  proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi;
  scgi_temp_path {work}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    gzip on;
    gzip_types text/css text/javascript application/javascript application/json
      application/wasm application/octet-stream;
    add_header Cross-Origin-Opener-Policy same-origin;
    add_header Cross-Origin-Embedder-Policy require-corp;
  }}
}}
"""


class WebServer:
    """A server of a folder, which can be stopped, and started at the same address."""

    def __init__(self, command: list[str], port: int) -> None:
        self._command, self.url = command, f"http://127.0.0.1:{port}/"

    def start(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers)
        return self

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(self.url).status_code < 500
        return False


@contextmanager
def plain(folder: Path) -> Iterator[WebServer]:
    """``python -m http.server``: no header that isolates, nothing compressed."""
    port = _free()
    command = [sys.executable, "-m", "http.server", str(port), "-d", str(folder)]
    yield from _running(WebServer([*command, "-b", "127.0.0.1"], port))


@contextmanager
def nginx(folder: Path, work: Path) -> Iterator[WebServer]:
    """Nginx with the headers of the guide; the test is skipped without it."""
    if NGINX is None:
        pytest.skip("needs nginx")
    port = _free()
    work.mkdir()
    configuration = work / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(work=work, port=port, folder=folder))
    command = [NGINX, "-p", str(work), "-c", str(configuration)]
    yield from _running(WebServer(command, port))


def _running(server: WebServer) -> Iterator[WebServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
