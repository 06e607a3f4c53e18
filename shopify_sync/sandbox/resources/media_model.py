"""One medium: how it is made from a URL, when it is ready, and how it hangs on products and variants."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from shopify_sync.sandbox.resources.checks import ALT_LIMIT
from shopify_sync.sandbox.resources.draft import Draft
from shopify_sync.sandbox.state import MEDIA_TYPES, Record, Shop, iso, parse_gid

CDN = "https://cdn.shopify.com/s/files/1/0000/0001/files"
ALT_TOO_LONG = f"The alt value exceeds the maximum limit of {ALT_LIMIT} characters."
_TYPE = {"IMAGE": "MediaImage", "VIDEO": "Video", "EXTERNAL_VIDEO": "ExternalVideo", "MODEL_3D": "Model3d"}
_LABEL = {"IMAGE": "Image", "VIDEO": "Video", "EXTERNAL_VIDEO": "External video", "MODEL_3D": "Model 3D"}
_MIME = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".heic": "image/heic",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".glb": "model/gltf-binary",
}
_SIZE = re.compile(r"/(\d{1,5})x(\d{1,5})(?=[/.?]|$)")


def url_problem(source: str, content_type: str) -> str | None:
    """Why a source can't be fetched, if so; recorded: product-media-validation-branches."""
    try:
        parts = urlsplit(source)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    return None if good else f"{_LABEL[content_type]} URL is invalid"


def content_type_of(source: str, given: str | None) -> str:
    """The media content type of a file input, guessed from its URL when it is not given."""
    if given in _TYPE:
        return given
    host = (urlsplit(source).hostname or "").removeprefix("www.")
    if host in ("youtube.com", "youtu.be", "vimeo.com"):
        return "EXTERNAL_VIDEO"
    mime = _MIME.get(PurePosixPath(urlsplit(source).path).suffix.lower(), "image/")
    return "VIDEO" if mime.startswith("video/") else "MODEL_3D" if mime.startswith("model/") else "IMAGE"


def new_medium(shop: Shop, source: str, content_type: str, alt: str | None, filename: str | None = None) -> Record:
    """A medium just uploaded, without image. READY after `media_delay_s`; recorded: product-create-media-parity."""
    now = shop.now()
    number = shop.next_id("Media")
    record: Record = {
        "id": number,
        "type": _TYPE[content_type],
        "productIds": [],
        "alt": alt,
        "mediaContentType": content_type,
        "status": "UPLOADED",
        "createdAt": iso(now),
        "readyAt": iso(now + timedelta(seconds=shop.media_delay_s)),
    }
    set_source(record, source, filename)
    return record


def set_source(record: Record, source: str, filename: str | None = None) -> None:
    """Give a medium its source and what follows from it: CDN address, size, MIME type."""
    name = filename or PurePosixPath(unquote(urlsplit(source).path)).name or "file"
    if PurePosixPath(name).suffix.lower() not in _MIME and record["type"] == "MediaImage":
        name += ".png"  # the server looks at the bytes; recorded: product-update-media-parity, `.../600x400/png`
    size = _SIZE.search(source)
    width, height = (int(size[1]), int(size[2])) if size else (1200, 1200)
    version = record["id"]
    record["originalSource"] = source
    record["url"] = source if record["type"] == "ExternalVideo" else f"{CDN}/{name.replace(' ', '_')}?v={version}"
    record["width"], record["height"] = width, height
    record["mimeType"] = _MIME.get(PurePosixPath(name).suffix.lower(), "image/png")


def is_ready(shop: Shop, medium: Record) -> bool:
    """Whether an earlier request's medium has been processed by now."""
    return bool(medium["status"] == "READY" or (medium["status"] != "FAILED" and medium["readyAt"] <= shop.now_iso()))


def medium_of(shop: Shop, gid: str) -> Record | None:
    """The medium with this gid, type included."""
    return shop.find(gid, *MEDIA_TYPES)


def gid_of(shop: Shop, medium: Record) -> str:
    return shop.gid(medium["type"], medium["id"])


def attach(draft: Draft, medium: Record) -> None:
    """Put a medium at the end of the product's media; `medium` is new or a copy from `draft.medium`."""
    draft.media[medium["id"]] = medium
    if medium["id"] not in draft.product["mediaIds"]:
        draft.product["mediaIds"].append(medium["id"])
    if draft.product["id"] not in medium["productIds"]:
        medium["productIds"].append(draft.product["id"])


def detach(draft: Draft, number: int) -> None:
    """Take a medium off the product and off its variants; the file itself stays.

    Recorded: media-file-cascade-variant-media-clear.
    """
    if number in draft.product["mediaIds"]:
        draft.product["mediaIds"].remove(number)
    medium = draft.medium(number)
    if draft.product["id"] in medium["productIds"]:
        medium["productIds"].remove(draft.product["id"])
    for variant in draft.variants.values():
        if number in variant["mediaIds"]:
            variant["mediaIds"].remove(number)


def add_created(draft: Draft, inputs: list[dict[str, Any]]) -> list[Record]:
    """New media from `CreateMediaInput`s, attached in order; the inputs are checked before."""
    made = []
    for given in inputs:
        medium = new_medium(draft.shop, given["originalSource"], given["mediaContentType"], given.get("alt"))
        attach(draft, medium)
        made.append(medium)
    return made


def number_of(gid: str) -> int | None:
    """The number of a media gid whatever its media type."""
    try:
        kind, number = parse_gid(gid)
    except ValueError:
        return None
    return number if kind in MEDIA_TYPES else None
