"""Takes staged files: the multipart form that Shopify's signed POST wants, or a signed PUT.

The file goes straight to disk. Answers as Google's storage gives them; the one of success was recorded
(bulk-operation-run-mutation-created-status).
"""

from __future__ import annotations

import hashlib
import mmap
import re
import uuid
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, parse_qsl, unquote

from shopify_sync.sandbox.bulk.http import UPLOADS, answer, drain, refuse
from shopify_sync.sandbox.desk import MAX_UPLOAD, Upload
from shopify_sync.sandbox.faults import Fault
from shopify_sync.sandbox.state import Shop

_CHUNK = 1 << 18
_MAX_FIELDS = 1 << 20
_FILE_PART = re.compile(rb'name="file"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n')
_FIELD = re.compile(rb'name="([^"]+)"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n(.*?)\r\n--', re.S)


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.answer = (status, code, message)


def receive(to: BaseHTTPRequestHandler, method: str, url: SplitResult, shop: Shop, fault: Fault | None) -> int | None:
    """Store a staged file; returns the status, None when the connection is to be cut now."""
    length = to.headers.get("Content-Length")
    if length is None or not length.isdigit():
        to.close_connection = True
        return refuse(to, 411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    path = shop.desk.folder() / f"upload-{uuid.uuid4().hex}"
    try:
        if method == "POST" and url.path == UPLOADS:
            upload = _posted(to, int(length), path, shop)
        elif method == "PUT":
            upload = _put(to, int(length), path, shop, url)
        else:
            drain(to, int(length))
            raise _Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    except _Refused as refusal:
        path.unlink(missing_ok=True)
        return refuse(to, *refusal.answer)
    with shop.lock:
        upload.path, upload.size = path, path.stat().st_size
    if fault is not None and fault.kind == "reset_after":
        return None
    if method == "PUT":
        return answer(to, 200, b"")
    return answer(to, 201, _stored(upload, path).encode())


def _stored(upload: Upload, path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    place = f"https://storage.googleapis.com/shopify-staged-uploads/{upload.key}"
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><PostResponse><Location>{place}</Location>"
        f'<Bucket>shopify-staged-uploads</Bucket><Key>{upload.key}</Key><ETag>"{digest}"</ETag></PostResponse>'
    )


def _put(to: BaseHTTPRequestHandler, length: int, path: Path, shop: Shop, url: SplitResult) -> Upload:
    with path.open("wb") as file:
        _copy(to, length, file)
    key = unquote(url.path.removeprefix(UPLOADS))
    query = dict(parse_qsl(url.query))
    upload = shop.desk.uploads.get(key)
    expires = query.get("X-Goog-Expires", "")
    if upload is None or query.get("X-Goog-Signature") != shop.desk.signature(f"{key}\n{expires}"):
        raise _Refused(403, "SignatureDoesNotMatch", "Access denied.")
    _check_time(upload, shop)
    return upload


def _check_time(upload: Upload, shop: Shop) -> None:
    if shop.now() >= upload.expires:
        raise _Refused(400, "ExpiredToken", "The provided token has expired.")


def _posted(to: BaseHTTPRequestHandler, length: int, path: Path, shop: Shop) -> Upload:
    """The form: what was signed, field by field, then the file. Everything behind the file is ignored."""
    boundary = re.search(r'boundary="?([^";]+)', to.headers.get("Content-Type") or "")
    if boundary is None:
        drain(to, length)
        raise _Refused(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed.")
    head, left = b"", length
    found = None
    while found is None and left > 0 and len(head) < _MAX_FIELDS:
        piece = to.rfile.read(min(_CHUNK, left))
        if not piece:
            break
        head += piece
        left -= len(piece)
        found = _FILE_PART.search(head)
    if found is None:
        drain(to, left)
        raise _Refused(400, "InvalidArgument", "POST requires exactly one file upload per request.")
    with path.open("wb") as file:
        file.write(head[found.end() :])
        _copy(to, left, file)
    fields = {name.decode(): value.decode() for name, value in _FIELD.findall(head[: found.start()])}
    upload = shop.desk.uploads.get(fields.get("key", ""))
    if upload is None or upload.method != "POST":
        raise _Refused(403, "AccessDenied", "Access denied.")
    for name, value in upload.parameters:
        if fields.get(name) != value:
            message = f"Invalid according to Policy: Policy Condition failed: [eq, ${name}, {value[:80]}]"
            raise _Refused(403, "AccessDenied", message)
    _check_time(upload, shop)
    size = _trim(path, b"\r\n--" + boundary[1].encode())
    if size < 1:
        raise _Refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum object size.")
    if size > MAX_UPLOAD:
        raise _Refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
    return upload


def _copy(to: BaseHTTPRequestHandler, length: int, file: IO[bytes]) -> None:
    while length > 0:
        piece = to.rfile.read(min(_CHUNK, length))
        if not piece:
            to.close_connection = True
            raise _Refused(400, "IncompleteBody", "You did not provide the number of bytes specified.")
        file.write(piece)
        length -= len(piece)


def _trim(path: Path, delimiter: bytes) -> int:
    """Cut off the delimiter and what follows; returns the size of the file proper."""
    with path.open("r+b") as file:
        end = -1
        if path.stat().st_size:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as seen:
                end = seen.find(delimiter)
        if end < 0:
            raise _Refused(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed.")
        file.truncate(end)
    return end
