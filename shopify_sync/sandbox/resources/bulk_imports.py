"""`stagedUploadsCreate` and `bulkOperationRunMutation`. Recorded: bulk-operation-run-mutation-*.

Order of the checks: the mutation, the client identifier, the file, then the slots (the last two recorded:
bulk-operation-run-mutation-no-such-file-precedence).
"""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

import orjson

from shopify_sync.sandbox.bulk.imports import Import, run_import
from shopify_sync.sandbox.bulk.rules import Refused, mutation_inner, widest_plan
from shopify_sync.sandbox.desk import MAX_UPLOAD, Upload
from shopify_sync.sandbox.registry import Args, Context, TopLevelError, mutation, user_error
from shopify_sync.sandbox.resources.bulk_runs import begin, in_progress
from shopify_sync.sandbox.scopes import refusals
from shopify_sync.sandbox.state import Record

_NO_FILE = (
    "The JSONL file could not be found. Try uploading the file again, and check that you've entered the URL correctly "
    "for the stagedUploadPath mutation argument."
)
_TOO_BIG = "The input file size exceeds the maximum allowed size of 100 MB."
_VALID_FOR = timedelta(days=1)  # recorded: `expiration` of the policy
_SIGNER = "merchant-assets@sandbox.iam.gserviceaccount.com"


@mutation("stagedUploadsCreate")
def staged_uploads_create(ctx: Context, args: Args) -> Record:
    """Places to send variables of bulk mutations to; other files are not taken. Raises TopLevelError."""
    for given in args["input"]:
        if given["resource"] != "BULK_MUTATION_VARIABLES":
            raise TopLevelError(f"The sandbox takes no uploads of {given['resource']}", "NOT_IMPLEMENTED", whole=True)
    return {"stagedTargets": [_target(ctx, given) for given in args["input"]], "userErrors": []}


def _target(ctx: Context, given: Record) -> Record:
    shop, now = ctx.shop, ctx.shop.now()
    key = f"tmp/{shop.shop_id}/bulk/{uuid.uuid4()}/{given['filename']}"
    method = given.get("httpMethod") or "PUT"
    if method == "POST":
        parameters = _form(ctx, key, given["mimeType"])
    else:
        parameters = [("content_type", given["mimeType"]), ("acl", "private")]
    upload = shop.desk.uploads[key] = Upload(key, parameters, method, now + _VALID_FOR)
    url = shop.desk.upload_url(upload)
    return {
        "url": url,
        "resourceUrl": url,
        "parameters": [{"name": name, "value": value} for name, value in parameters],
    }


def _form(ctx: Context, key: str, mime_type: str) -> list[tuple[str, str]]:
    """The fields of the form, in the recorded order."""
    now = ctx.shop.now()
    signed = [
        ("x-goog-date", now.strftime("%Y%m%dT%H%M%SZ")),
        ("x-goog-credential", f"{_SIGNER}/{now:%Y%m%d}/auto/storage/goog4_request"),
        ("x-goog-algorithm", "GOOG4-RSA-SHA256"),
    ]
    plain = [("Content-Type", mime_type), ("success_action_status", "201"), ("acl", "private"), ("key", key)]
    conditions: list[Any] = [{name: value} for name, value in (*plain, *signed)]
    conditions.append(["content-length-range", 1, MAX_UPLOAD])
    policy = orjson.dumps({"conditions": conditions, "expiration": (now + _VALID_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")})
    text = base64.b64encode(policy).decode()
    return [*plain, *signed, ("x-goog-signature", ctx.shop.desk.signature(text)), ("policy", text)]


@mutation("bulkOperationRunMutation")
def run(ctx: Context, args: Args) -> Record:
    """Start a mutation operation."""
    try:
        inner = mutation_inner(args["mutation"])
    except Refused as refusal:
        return _refused(*refusal.errors)
    identifier = args.get("clientIdentifier")
    if identifier is not None and not 10 <= len(identifier) <= 255:
        short = len(identifier) < 10
        message = f"is too {'short (minimum is 10' if short else 'long (maximum is 255'} characters)"
        return _refused(user_error(["clientIdentifier"], message, "INVALID_MUTATION"))
    desk = ctx.shop.desk
    upload = desk.uploads.get(args["stagedUploadPath"])
    if upload is None or upload.path is None:
        return _refused(user_error(None, _NO_FILE, "NO_SUCH_FILE"))
    if upload.size == 0:
        return _refused(user_error(None, "The input file is empty.", "INVALID_STAGED_UPLOAD_FILE"))
    if upload.size > MAX_UPLOAD:
        return _refused(user_error(None, _TOO_BIG, "INVALID_STAGED_UPLOAD_FILE"))
    busy = in_progress(ctx, "MUTATION")
    if busy:
        return _refused(*busy)
    operation = desk.open("MUTATION", args["mutation"], ctx.shop.now(), group=True, version=ctx.api_version)
    plan = widest_plan(inner)
    if refusals(plan, ctx.scopes):
        operation.finish(ctx.shop.now(), "ACCESS_DENIED")
    else:
        work, shop, source = Import(inner, ctx.scopes, ctx.api_version), ctx.shop, upload.path
        begin(ctx, operation, plan.name, lambda until: run_import(work, shop, operation, source, until))
    return {"bulkOperation": desk.record(operation), "userErrors": []}


def _refused(*errors: Record) -> Record:
    return {"bulkOperation": None, "userErrors": list(errors)}
