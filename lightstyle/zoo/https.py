"""Opens URLs over https, and tells transient failures from permanent ones.

urllib is imported when a URL is opened, because it is slow to import.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..contract import VERSION
from ..errors import NetworkError

_PIECE_BYTES: Final = 2**18

#: Status codes, beside all from 500 on, after which the same request may succeed.
_PASSING: Final = (408, 416, 425, 429)


class BrokenError(Exception):
    """A failure that may not happen again.

    Attributes:
        code: Status code of the server's answer, or 0 if there was none.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        """Keep a one-line message."""
        super().__init__(message)
        self.code = code


def open_url(url: str, headers: Mapping[str, str], timeout: float) -> Any:
    """Request `url`, following redirects that are as secure, and return the response.

    Args:
        url: An https URL, or an http URL of this machine.
        headers: Request headers.
        timeout: Seconds without data after which the connection is given up.

    Raises:
        BrokenError: If the failure may be transient.
        NetworkError: If the server refuses, or cannot be trusted.
    """
    import http.client
    import ssl
    import urllib.error
    import urllib.request

    headers = {
        "User-Agent": f"lightstyle/{VERSION}",
        "Accept-Encoding": "identity",  # sizes and ranges are those of the file
        **headers,
    }
    request = urllib.request.Request(url, headers=headers)
    try:
        return _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        line = f"the server answered {error.code} {' '.join(error.msg.split())}"
        if error.code in _PASSING or error.code >= 500:
            raise BrokenError(line, error.code) from error
        raise NetworkError(f"{url}: {line}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise NetworkError(f"{url}: {_reason(error)}") from error
        raise BrokenError(_reason(error)) from error


def pieces(response: Any) -> Iterator[bytes]:
    """Yield the body as it arrives, so that a failure loses nothing received before.

    Raises:
        BrokenError: If the connection breaks off or times out.
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
    """Return whether `url` is https, or http that stays on this machine."""
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
                    f"{req.full_url}: the server redirects to {newurl}, expected https"
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


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    text = str(getattr(cause, "strerror", None) or cause) or type(cause).__name__
    return " ".join(text.split())
