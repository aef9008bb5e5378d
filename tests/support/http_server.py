"""A web server on this machine that misbehaves as it is told, request by request."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Exchange"], None]


@dataclass
class Site:
    """What the server has, and does.

    Attributes:
        data: The file that it serves.
        etag: That file's name for its version; none is sent if it is empty.
        script: Answers to the next requests, in order; then `after` answers.
        after: By default as a good server does, with ranges.
        seen: Headers of every request so far, names in small letters.
        release: Ends all stalls.
    """

    data: bytes
    url: str = ""
    etag: str = '"one"'
    script: list[Answer] = field(default_factory=list)
    after: Answer = field(default_factory=lambda: whole)
    seen: list[dict[str, str]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def ranges(self) -> list[str]:
        return [headers.get("range", "") for headers in self.seen]


class Exchange(BaseHTTPRequestHandler):
    """One request, and the means to answer it."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.seen.append({k.lower(): v for k, v in self.headers.items()})
        answer = site.script.pop(0) if site.script else site.after
        self.close_connection = True
        with suppress(OSError):  # the other side may have gone away
            answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def head(self, status: int, headers: Mapping[str, object]) -> None:
        self.send_response(status)
        if self.site.etag:
            self.send_header("ETag", self.site.etag)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()

    def offset(self) -> int:
        """Where the body has to begin, as ranges and conditions say."""
        asked = self.headers.get("Range", "")
        if not asked or self.headers.get("If-Range") not in (None, self.site.etag):
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def begin(self) -> bytes:
        """Send the head of a good answer and return the body to send."""
        data, offset = self.site.data, self.offset()
        headers: dict[str, object] = {"Content-Length": len(data) - offset}
        if offset:
            headers["Content-Range"] = f"bytes {offset}-{len(data) - 1}/{len(data)}"
        self.head(206 if offset else 200, headers)
        return data[offset:]


def whole(exchange: Exchange) -> None:
    exchange.wfile.write(exchange.begin())


def cut(count: int) -> Answer:
    """Close the connection after so many bytes."""

    def answer(exchange: Exchange) -> None:
        exchange.wfile.write(exchange.begin()[:count])

    return answer


def stall(count: int) -> Answer:
    """Send so many bytes and then nothing, with the connection open."""

    def answer(exchange: Exchange) -> None:
        exchange.wfile.write(exchange.begin()[:count])
        exchange.site.release.wait(30)

    return answer


def pause(count: int) -> Answer:
    """Send so many bytes, and the rest when the stall is ended."""

    def answer(exchange: Exchange) -> None:
        body = exchange.begin()
        exchange.wfile.write(body[:count])
        exchange.site.release.wait(30)
        exchange.wfile.write(body[count:])

    return answer


def mute(exchange: Exchange) -> None:
    """Say nothing at all."""
    exchange.site.release.wait(30)


def status(code: int) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.head(code, {"Content-Length": 4})
        exchange.wfile.write(b"sorr")

    return answer


def without_ranges(exchange: Exchange) -> None:
    exchange.head(200, {"Content-Length": len(exchange.site.data)})
    exchange.wfile.write(exchange.site.data)


def ignores_condition(exchange: Exchange) -> None:
    """A part of whatever version there is, whichever one was asked for."""
    del exchange.headers["If-Range"]
    whole(exchange)


def wrong_part(exchange: Exchange) -> None:
    """Another part than was asked for."""
    size = len(exchange.site.data)
    headers = {"Content-Length": 10, "Content-Range": f"bytes 0-9/{size}"}
    exchange.head(206, headers)
    exchange.wfile.write(exchange.site.data[:10])


def sends(data: bytes, announced: int | None = None) -> Answer:
    """`data`, under the length that is announced, or with none."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {} if announced is None else {"Content-Length": announced})
        exchange.wfile.write(data)

    return answer


def chunked(count: int) -> Answer:
    """In chunks and without a length; only the first so many bytes of it."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        data = exchange.site.data
        for start in range(0, count, 1000):
            piece = data[start : min(start + 1000, count)]
            exchange.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if count >= len(data):
            exchange.wfile.write(b"0\r\n\r\n")

    return answer


def endless(exchange: Exchange) -> None:
    exchange.head(200, {})
    while True:
        exchange.wfile.write(bytes(2**16))


def redirect(url: str) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.head(302, {"Location": url, "Content-Length": 0})

    return answer


def garbage(exchange: Exchange) -> None:
    """Something that is not HTTP."""
    exchange.wfile.write(b"\x00\x01\x02\r\n\r\n")


@contextmanager
def serving(data: bytes) -> Iterator[Site]:
    """Serve `data` on 127.0.0.1, on a port that is free."""
    site = Site(data)
    handler = type("Handler", (Exchange,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_port}/weights.bin"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield site
        finally:
            site.release.set()
            server.shutdown()
            thread.join()
