"""A page in Chromium, without a window, that posts what it has found."""

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

#: Without a GPU, WebGPU computes in software.
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
)


def posted(
    page: str, folders: Mapping[str, Path], profile: Path, seconds: float
) -> Any:
    """What the page posts to /answer, read from JSON.

    Args:
        page: Its path, with what follows it.
        folders: Folders by the first part of the paths that they serve, "" for others.
        profile: An empty folder for the browser's own files.
        seconds: When to give up.
    """
    assert CHROMIUM is not None
    with served(folders) as (root, answers):
        command = [CHROMIUM, *SWITCHES, f"--user-data-dir={profile}", f"{root}/{page}"]
        with (profile / "chromium.log").open("wb") as log:
            browser = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )
        try:
            return answers.get(timeout=seconds)
        except Empty:
            raise TimeoutError(f"{page} has not answered in {seconds} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


@contextmanager
def served(
    folders: Mapping[str, Path], *, plain: str | None = None
) -> Iterator[tuple[str, "Queue[Any]"]]:
    """Serve folders: the server's address, and what pages post to it.

    Args:
        folders: As for `posted`.
        plain: What the names of pages end with that get no headers with which a
            page may have threads; by default none gets any.
    """
    answers: Queue[Any] = Queue()

    class Handler(SimpleHTTPRequestHandler):
        # A module that is sent as text/plain is not run.
        extensions_map = SimpleHTTPRequestHandler.extensions_map | {
            ".mjs": "text/javascript",
            ".wasm": "application/wasm",
        }

        def translate_path(self, path: str) -> str:
            first, _, rest = path.lstrip("/").partition("/")
            if first in folders:
                return str(folders[first] / rest)
            return str(folders[""] / path.lstrip("/"))

        def end_headers(self) -> None:
            if plain is not None and not self.path.endswith(plain):
                self.send_header("Cross-Origin-Opener-Policy", "same-origin")
                self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            answers.put(json.loads(body))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", answers
        finally:
            server.shutdown()
