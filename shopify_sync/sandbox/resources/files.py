"""`fileUpdate`: alt texts, sources, names, and the products a file belongs to. Recorded: media-file-update-*."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import orjson

from shopify_sync.sandbox.registry import Context, TopLevelError, mutation
from shopify_sync.sandbox.resources.checks import ALT_LIMIT, Path, error, find
from shopify_sync.sandbox.resources.draft import Draft, copied
from shopify_sync.sandbox.resources.media_model import (
    ALT_TOO_LONG,
    attach,
    detach,
    is_ready,
    medium_of,
    set_source,
    url_problem,
)
from shopify_sync.sandbox.state import Record, Shop

Given = dict[str, Any]
_DENIED = "Access denied: Missing permission to manage products."
_DOCS = "https://shopify.dev/api/usage/access-scopes"
_SAME = "Cannot update the preview image and image at the same time because they are one and the same."


@mutation("fileUpdate")
def file_update(ctx: Context, args: Record) -> Record:
    """Update files. A too long alt text refuses its row only, every other problem refuses the whole call.

    Order of the checks: media-file-update-validation-ordering; the partial success:
    media-file-update-mixed-batch-partial-success.
    """
    shop, files = ctx.shop, args["files"]
    linked = any(given.get("referencesToAdd") or given.get("referencesToRemove") for given in files)
    if linked and "write_products" not in ctx.scopes:  # recorded: media-file-create-references-authorization
        raise TopLevelError(_DENIED, "ACCESS_DENIED", extensions={"documentation": _DOCS})
    errors = _refusals(shop, files)
    if errors:
        return {"files": [], "userErrors": errors}
    done: list[int] = []
    for place, given in enumerate(files):
        if len(given.get("alt") or "") > ALT_LIMIT:
            errors.append(error(["files", str(place), "alt"], ALT_TOO_LONG, "ALT_VALUE_LIMIT_EXCEEDED"))
            continue
        medium = medium_of(shop, given["id"])
        assert medium is not None
        _update(shop, medium["id"], given)
        done.append(medium["id"])
    table = shop.table("Media")
    return {"files": [table[number] for number in done], "userErrors": errors}


def _refusals(shop: Shop, files: list[Given]) -> list[Record]:
    unknown = [given["id"] for given in files if medium_of(shop, given["id"]) is None]
    if unknown:
        names = orjson.dumps(unknown).decode()
        message = f"File id {names} does not exist." if len(unknown) == 1 else f"File ids {names} do not exist."
        return [error(["files"], message, "FILE_DOES_NOT_EXIST")]
    media = [medium_of(shop, given["id"]) or {} for given in files]
    if any(not is_ready(shop, medium) for medium in media):
        return [error(["files"], "Non-ready files cannot be updated.", "NON_READY_STATE")]
    errors: list[Record] = []
    for place, (given, medium) in enumerate(zip(files, media, strict=True)):
        errors += _source_errors(given, medium, ["files", str(place)])
    return errors or _name_errors(files, media) or _reference_errors(shop, files)


def _source_errors(given: Given, medium: Record, path: Path) -> list[Record]:
    if given.get("originalSource") is None:
        return []
    if medium["type"] != "MediaImage":
        message = "Updating the original source is not supported for this media type."
        return [error([*path, "originalSource"], message, "INVALID")]
    if given.get("previewImageSource") is not None:
        return [error([*path, key], _SAME, "INVALID") for key in ("previewImageSource", "originalSource")]
    if url_problem(given["originalSource"], "IMAGE"):
        return [error([*path, "originalSource"], "File URL is invalid", "INVALID_IMAGE_SOURCE_URL")]
    return []


def _name_errors(files: list[Given], media: list[Record]) -> list[Record]:
    named = [(given["filename"], medium) for given, medium in zip(files, media, strict=True) if given.get("filename")]
    if any(medium["type"] != "MediaImage" for _, medium in named):
        message = "Updating the filename is only supported on images and generic files"
        return [error(["files"], message, "UNSUPPORTED_MEDIA_TYPE_FOR_FILENAME_UPDATE")]
    if any(_suffix(name) != _suffix(urlsplit(medium["url"]).path) for name, medium in named):
        message = "The filename extension provided must match the original filename."
        return [error(["files"], message, "INVALID_FILENAME_EXTENSION")]
    return []


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _reference_errors(shop: Shop, files: list[Given]) -> list[Record]:
    targets = [
        gid for given in files for key in ("referencesToAdd", "referencesToRemove") for gid in given.get(key) or []
    ]
    if any(find(shop, "Product", gid) is None for gid in targets):
        return [error(["files"], "The reference target does not exist", "REFERENCE_TARGET_DOES_NOT_EXIST")]
    return []


def _update(shop: Shop, number: int, given: Given) -> None:
    medium = copied(shop.table("Media")[number])
    before = copied(medium)
    if "alt" in given:
        medium["alt"] = given["alt"]
    if given.get("originalSource") or given.get("filename"):
        set_source(medium, given.get("originalSource") or medium["originalSource"], given.get("filename"))
    if medium != before:
        shop.put("Media", medium)
        for product_id in medium["productIds"]:
            shop.touch_product(product_id)
    for key, change in (("referencesToAdd", attach), ("referencesToRemove", None)):
        for gid in given.get(key) or []:
            product = find(shop, "Product", gid)
            assert product is not None
            draft = Draft(shop, product)
            if change is not None:
                change(draft, draft.medium(number))
            else:
                detach(draft, number)
            draft.commit()
