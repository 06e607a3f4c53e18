"""The results of bulk operations over HTTP, under signed URLs. Staged uploads: uploads.py.

As Google's storage serves them for Shopify: no access token (one that is sent all the same is refused, since real
storage would see it), errors in XML, ranges, gzip when the client accepts it. Nothing is held in memory whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import BinaryIO
from urllib.parse import SplitResult, parse_qsl

from shopify_sync.sandbox.faults import Fault
from shopify_sync.sandbox.state import Shop

OUTPUTS = "/bulk-operation-outputs/"
UPLOADS = "/staged-uploads/"
_CHUNK = 1 << 18


def answer(to: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/xml; charset=UTF-8") -> int:
    """Send a short answer."""
    to.send_response(status)
    to.send_header("Content-Type", kind)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)
    return status


def refuse(to: BaseHTTPRequestHandler, status: int, code: str, message: str) -> int:
    """Send an error as storage does."""
    text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return answer(to, status, text.encode())


def deliver(to: BaseHTTPRequestHandler, method: str, url: SplitResult, shop: Shop, fault: Fault | None) -> int | None:
    """Send a result; returns the status, None when the connection is to be cut now."""
    if method != "GET":
        return refuse(to, 405, "MethodNotAllowed", "Only GET is served here.")
    if to.headers.get("X-Shopify-Access-Token"):
        return refuse(to, 400, "InvalidArgument", "An access token of Shopify has no place in this request.")
    query = dict(parse_qsl(url.query))
    name = url.path.removeprefix(OUTPUTS)
    expires = query.get("Expires", "")
    if query.get("Signature") != shop.desk.signature(f"{name}\n{expires}"):
        return refuse(to, 403, "SignatureDoesNotMatch", "Access denied.")
    late = not expires.isdigit() or shop.now().timestamp() >= int(expires)
    if late or (fault is not None and fault.kind == "url_expired"):
        return refuse(to, 400, "ExpiredToken", "The provided token has expired.")
    path = next((each.path for each in shop.desk.operations.values() if each.path.name == name), None)
    if path is None or not path.exists():
        return refuse(to, 404, "NoSuchKey", "The specified key does not exist.")
    if fault is not None and fault.kind == "reset_after":
        return None
    return _send(to, path, fault)


def _send(to: BaseHTTPRequestHandler, path: Path, fault: Fault | None) -> int | None:
    size = path.stat().st_size
    start, stop = 0, size
    wanted = _range(to.headers.get("Range"), size)
    if wanted is not None:
        start, stop = wanted
        if start >= size:
            return refuse(to, 416, "InvalidRange", "The requested range cannot be satisfied.")
    packed = wanted is None and "gzip" in (to.headers.get("Accept-Encoding") or "")
    status = 200 if wanted is None else 206
    to.send_response(status)
    to.send_header("Content-Type", "application/jsonl")
    to.send_header("Accept-Ranges", "bytes")
    to.send_header("ETag", f'"{path.name}"')
    if wanted is not None:
        to.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    if packed:
        to.send_header("Content-Encoding", "gzip")
        to.send_header("Vary", "Accept-Encoding")
        to.send_header("Transfer-Encoding", "chunked")
    else:
        to.send_header("Content-Length", str(stop - start))
    to.end_headers()
    last = stop
    if fault is not None and fault.kind == "cut":
        last = start + int((stop - start) * fault.share)
    with path.open("rb") as file:
        broken = _line_start(file, int(size * fault.share)) if fault is not None and fault.kind == "bad_line" else -1
        chunks = _chunks(file, start, last, broken)
        for chunk in _packed(chunks, whole=last == stop) if packed else chunks:
            to.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if packed else chunk)
    if last < stop:
        return None
    if packed:
        to.wfile.write(b"0\r\n\r\n")
    return status


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, stop) of `bytes=a-b`, `bytes=a-` or `bytes=-n`; None: the whole file."""
    unit, _, given = (header or "").partition("=")
    first, dash, last = given.strip().partition("-")
    if unit != "bytes" or not dash or not (first + last).isdigit():
        return None
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _line_start(file: BinaryIO, near: int) -> int:
    """Where the line begins that holds the byte `near`."""
    low = max(0, near - _CHUNK)
    file.seek(low)
    return low + file.read(near - low).rfind(b"\n") + 1


def _chunks(file: BinaryIO, start: int, stop: int, broken: int) -> Iterator[bytes]:
    """The bytes of the file; the one at `broken`, which opens a line, is no brace."""
    file.seek(start)
    while start < stop:
        chunk = file.read(min(_CHUNK, stop - start))
        if not chunk:
            return
        if start <= broken < start + len(chunk):
            at = broken - start
            chunk = chunk[:at] + b"<" + chunk[at + 1 :]
        yield chunk
        start += len(chunk)


def _packed(chunks: Iterator[bytes], *, whole: bool) -> Iterator[bytes]:
    """gzip; what is cut ends after the last byte that got out."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    for chunk in chunks:
        text = packer.compress(chunk)
        if text:
            yield text
    text = packer.flush(zlib.Z_FINISH if whole else zlib.Z_SYNC_FLUSH)
    if text:
        yield text


def drain(to: BaseHTTPRequestHandler, left: int) -> None:
    """Read what is left of a request's body, so that the connection can go on."""
    while left > 0:
        got = len(to.rfile.read(min(_CHUNK, left)))
        left = left - got if got else 0
