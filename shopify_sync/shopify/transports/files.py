"""Files on other hosts than the shop's: what bulk operations leave there, and what is staged for them.

Such an address is signed, so it is a secret: it stands in no error and no log, and neither do the fields of a form. The
access token is not known here, so it can't be sent (shopify-admin-api.md C.1: download without the token).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from shopify_sync import __version__
from shopify_sync.errors import RequestRefused, SyncError
from shopify_sync.shopify.errors import KINDS, retry_after, unreachable
from shopify_sync.shopify.transports.http import kind_of

_EXCERPT = 4096
_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")


class FileAnswer:
    """An answer whose body has not been read yet. `headers` are read without regard to case."""

    def __init__(self, response: httpx.Response, host: str) -> None:
        self._response, self.host = response, host
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def pieces(self) -> Iterator[bytes]:
        """The body as it was sent (still packed), up to 64 KiB at once. Raises Unreachable when it breaks off."""
        try:
            yield from self._response.iter_raw()
        except httpx.TransportError as error:
            kind = kind_of(error, answered=True)
        else:
            return
        raise unreachable(kind, self.host)

    def reason(self) -> str:
        """The code that storage gives for a refusal, e.g. `ExpiredToken`; the rest may repeat what was signed."""
        body = b""
        for piece in self.pieces():
            body += piece
            if len(body) >= _EXCERPT:
                break
        found = _CODE.search(body)
        return found[1].decode() if found else ""


class FileTransport:
    """Gets and posts files, through the machine's proxies and authorities as httpx finds them.

    `timeout_s` is for each piece, not for the whole. With `tls_only` an address without TLS is refused. Redirects are
    not followed. Connections are made when first needed.
    """

    def __init__(self, timeout_s: float = 30.0, connect_timeout_s: float = 5.0, *, tls_only: bool = True) -> None:
        self._timeout = httpx.Timeout(timeout_s, connect=connect_timeout_s)
        self._tls_only = tls_only
        self._opened: httpx.Client | None = None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[FileAnswer]:
        """The answer to a GET, whatever its status. Raises Unreachable, RequestRefused for an address that is none."""
        host = self.host(url)
        response = self._send(host, "GET", url, headers=dict(headers))
        try:
            yield FileAnswer(response, host)
        finally:
            response.close()

    def post_form(
        self, url: str, fields: Sequence[tuple[str, str]], file: BinaryIO, filename: str, media_type: str
    ) -> SyncError | None:
        """Send `fields` in their order, then `file` from where it stands; None when it was taken.

        The file is read as it is sent, never whole. Raises Unreachable where there was no answer, and what reading
        the file raises.
        """
        host = self.host(url)
        given = {"file": (filename, file, media_type)}
        response = self._send(host, "POST", url, data=dict(fields), files=given)
        try:
            answer = FileAnswer(response, host)
            return None if 200 <= answer.status < 300 else refusal(answer)
        finally:
            response.close()

    def _send(self, host: str, method: str, url: str, **parts: Any) -> httpx.Response:
        """The head of the answer. httpx's errors become rows of our table, unchained: theirs carry the address."""
        try:
            return self._client.send(self._client.build_request(method, url, **parts), stream=True)
        except httpx.TransportError as error:
            kind = kind_of(error, answered=False)
        except httpx.InvalidURL:
            kind = ""
        if not kind:
            raise RequestRefused("Shopify named an address for a file that is none", next="run the command again")
        raise unreachable(kind, host)

    @property
    def _client(self) -> httpx.Client:
        if self._opened is None:
            self._opened = httpx.Client(
                timeout=self._timeout,
                follow_redirects=False,
                headers={"User-Agent": f"shopify-sync/{__version__}"},
            )
        return self._opened

    def host(self, url: str) -> str:
        """Host and port, which may be told. Raises RequestRefused for an address that is not to be used."""
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        host = parts.netloc.rpartition("@")[2]
        if host and parts.scheme in (("https",) if self._tls_only else ("https", "http")):
            return host
        raise RequestRefused(
            "Shopify named an address for a file that is not used",
            why="it has no TLS" if parts.scheme == "http" else "it is no web address",
            next="run the command again; if it stays so, report it",
        )


def refusal(answer: FileAnswer) -> SyncError:
    """The error for a status that is no success: Unreachable where trying again may help, else RequestRefused."""
    status = answer.status
    if status in (408, 429) or (status >= 500 and status != 501):
        kind = f"http_{status}" if f"http_{status}" in KINDS else "http_500"
        return unreachable(
            kind, answer.host, detail=f"HTTP {status}", retry_after_s=retry_after(answer.headers.get("retry-after"))
        )
    reason = answer.reason()
    return RequestRefused(
        f"{answer.host} refused a file's request (HTTP {status})",
        why=f"it says {reason}" if reason else "",
        next="run the command again; if it stays so, report what it prints with -vv",
    )
