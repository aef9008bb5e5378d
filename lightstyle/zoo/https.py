"""Opens URLs over https, and tells failures that may pass from those that will not.

urllib and what it needs are imported when a URL is opened: they are slow to import.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..contract import VERSION
from ..errors import NetworkError

_PIECE_BYTES: Final = 2**18

#: Answers after which the same request may succeed, next to all from 500 on.
_PASSING: Final = (408, 416, 425, 429)


class BrokenError(Exception):
    """It failed in a way in which it may not fail again.

    Attributes:
        code: Status that the server answered, or 0 where it was something else.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        """Keep a line for the person."""
        super().__init__(message)
        self.code = code


def open_url(url: str, headers: Mapping[str, str], timeout: float) -> Any:
    """Request `url`, following redirects that are as safe, and return the response.

    Args:
        url: https, or http on this machine.
        headers: What to send with it.
        timeout: Seconds without an answer, or without more of it, that are too many.

    Raises:
        BrokenError: There was no connection or answer, or one that will not stay so.
        NetworkError: The answer is no, or comes from somebody who cannot be trusted.
    """
    import http.client
    import urllib.error
    import urllib.request

    headers = {
        "User-Agent": f"lightstyle/{VERSION}",
        "Accept-Encoding": "identity",  # sizes and ranges of the file as it is
        **headers,
    }
    request = urllib.request.Request(url, headers=headers)
    try:
        return _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        line = f"it answers {error.code} {' '.join(error.msg.split())}"
        if error.code in _PASSING or error.code >= 500:
            raise BrokenError(line, error.code) from error
        raise NetworkError(f"{url}: {line}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        if _is_about_certificate(error):
            raise NetworkError(f"{url}: {_reason(error)}") from error
        raise BrokenError(_reason(error)) from error


def pieces(response: Any) -> Iterator[bytes]:
    """The body as it comes, so that a break loses nothing that came before it.

    Raises:
        BrokenError: It broke off, where that can be told, or nothing came for too long.
    """
    import http.client

    while True:
        try:
            piece = response.read1(_PIECE_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BrokenError(_reason(error)) from error
        if not piece:
            return
        yield piece


def is_secure(url: str) -> bool:
    """Whether `url` is https, or http that does not leave this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "http":
        return _is_loopback(host)
    return parts.scheme == "https" and bool(host)


def _opener() -> Any:
    import urllib.request

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
        ) -> Any:
            if not _may_redirect(req.full_url, newurl):
                fp.close()
                raise NetworkError(
                    f"{req.full_url}: it redirects to {newurl}, expected https"
                )
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return urllib.request.build_opener(Redirects)


def _may_redirect(url: str, other: str) -> bool:
    downgrade = urlsplit(url).scheme == "https" != urlsplit(other).scheme
    return is_secure(other) and not downgrade


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_about_certificate(error: Exception) -> bool:
    import ssl

    cause = getattr(error, "reason", error)
    return isinstance(cause, ssl.SSLCertVerificationError)


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    text = str(getattr(cause, "strerror", None) or cause) or type(cause).__name__
    return " ".join(text.split())
