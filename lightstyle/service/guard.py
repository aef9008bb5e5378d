"""Lets in only whom it should: by the name of the server, the origin, and the token.

A page of another site that a browser has open can send requests to this machine, and by
DNS rebinding even read the answers. The first is told by Sec-Fetch-Site and Origin, the
second by a name in Host that is not ours. An IP address cannot be rebound.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import ProblemError

#: Name of the cookie that carries the token for the page.
COOKIE: Final = "lightstyle_token"

#: Who asks where no token is needed.
ANYBODY: Final = "local"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: What needs no token: the page, so that it can ask for one, and signs of life.
_OPEN: Final = ("/healthz", "/readyz", "/", "/v1/session")
_OPEN_BELOW: Final = "/page/"

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; "
    "script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Both together let the page's own engine have threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class Tokens:
    """The tokens of clients, each of which is an owner of jobs."""

    def __init__(self, tokens: Sequence[str]) -> None:
        """Let in these tokens; if there are none, everybody."""
        self._tokens = tokens

    def owner(self, token: str) -> str | None:
        """Return the owner that a token stands for, None if it is not let in."""
        found = None if self._tokens else ANYBODY
        for each in self._tokens:  # all of them, whichever is right
            if secrets.compare_digest(each.encode(), token.encode()):
                found = hashlib.sha256(each.encode()).hexdigest()[:12]
        return found


class Guard:
    """The outermost layer of the application.

    The owner of a request, by its token, is in ``scope["state"]["owner"]``.
    """

    def __init__(
        self, app: ASGIApp, host: str, names: Collection[str], tokens: Tokens, body: int
    ) -> None:
        """Guard `app`.

        Args:
            app: The application.
            host: Address that the server is bound to.
            names: Further names of the server.
            tokens: Who is let in.
            body: Most bytes of a request. The application sees to those that do not
                say how many they have.
        """
        self._app = app
        self._is_local = is_loopback(host)
        self._names = {"localhost", *(name.lower() for name in names)}
        if not _address(host):
            self._names.add(host.lower())
        self._tokens, self._body = tokens, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                kept = "no-store" if scope["path"].startswith("/v1/") else "no-cache"
                headers.setdefault("Cache-Control", kept)
            await send(message)

        try:
            self._check(scope)
        except ProblemError as problem:
            await problem.response(scope, receive, sending)
            return
        await self._app(scope, receive, sending)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise ProblemError(
                "host",
                "the name in Host is none of this server: use its address, or start "
                "it with --allow-host",
            )
        if scope["method"] not in _SAFE and not _is_same_site(headers, host):
            raise ProblemError(
                "origin", "changes are taken from this server's page alone"
            )
        owner, path = self._tokens.owner(_token(headers)), scope["path"]
        if not (owner or path in _OPEN or path.startswith(_OPEN_BELOW)):
            raise ProblemError(
                "token", "send the header Authorization: Bearer and the token"
            )
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._body:
            raise ProblemError(
                "too_large", f"expected at most {self._body / 1e6:g} MB in all"
            )
        scope.setdefault("state", {})["owner"] = owner

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (address.is_loopback or not self._is_local)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _name(host: str) -> str:
    """Return the name in ``name:port``, without brackets; empty if there is none."""
    with suppress(ValueError):
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - ValueError, if it is none
        if parts.netloc == host and not parts.username:
            return parts.hostname or ""
    return ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(name.strip("[]"))
    return None


def _is_same_site(headers: Headers, host: str) -> bool:
    """Whether a change comes from our page, or from a program that is no browser."""
    fetched = headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _token(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    cookies = SimpleCookie()
    with suppress(CookieError):
        cookies.load(headers.get("cookie", ""))
    return cookies[COOKIE].value if COOKIE in cookies else ""
