"""The wire: one POST for one operation. Only this package imports httpx."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from shopify_sync import __version__
from shopify_sync.clock import Clock
from shopify_sync.errors import Unreachable
from shopify_sync.records import Cost, Operation, Reply
from shopify_sync.shopify.auth import TokenSource
from shopify_sync.shopify.errors import from_graphql, from_status, unreachable

log = logging.getLogger(__name__)
# httpx logs URLs at INFO and httpcore headers at DEBUG; ours say what is needed and never a header.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class HttpTransport:
    """Sends to one shop's endpoint of one API version.

    Raises the `Unreachable` kinds of `shopify/errors.py`, TokenRejected, MissingScope, ShopClosed, RequestRefused.
    Redirects are not followed: a token goes to the host it was given for. `answer_s` is the most that one answer may
    take, however steadily it comes.
    """

    def __init__(
        self,
        base_url: str,
        api_version: str,
        tokens: TokenSource,
        clock: Clock,
        *,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        answer_s: float = 120.0,
    ) -> None:
        self.answer_s = answer_s
        self.path = f"/admin/api/{api_version}/graphql.json"
        self.tokens, self.clock = tokens, clock
        self.client = httpx.Client(
            base_url=base_url,
            timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s),
            follow_redirects=False,
            # Reading the list of authorities takes 30 ms; an address without TLS trusts none and needs none.
            verify=True if base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            headers={"User-Agent": f"shopify-sync/{__version__}", "Accept": "application/json"},
        )
        self.host = self.client.base_url.host
        if port := self.client.base_url.port:
            self.host = f"{self.host}:{port}"

    def close(self) -> None:
        self.client.close()

    def send(self, operation: Operation) -> Reply:
        body = orjson.dumps(
            {
                "query": operation.document,
                "variables": dict(operation.variables),
                "operationName": operation.name,
            }
        )
        response, raw = self._authorised(body)
        if error := from_status(response.status_code, response.headers, raw, self.host):
            raise error
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise unreachable("not_json", self.host) from None
        if not isinstance(answer, dict):
            raise unreachable("not_json", self.host)
        extensions = answer.get("extensions")
        if not isinstance(extensions, dict):
            extensions = {}
        log.debug(
            "%s: HTTP %s, %s bytes, request id %s",
            operation.name,
            response.status_code,
            len(raw),
            response.headers.get("x-request-id", "-"),
        )
        if error := from_graphql(answer.get("errors"), answer.get("data"), extensions, operation, self.host):
            if isinstance(error, Unreachable) and error.kind == "throttled":
                error.details["cost"] = extensions.get("cost")
            raise error
        return Reply(
            data=answer["data"],
            errors=list(answer.get("errors") or ()),
            cost=read_cost(extensions.get("cost")),
            served_at=self._served_at(response.headers),
            api_version=response.headers.get("x-shopify-api-version", ""),
            bytes=len(raw),
            extensions=extensions,
            rest_calls=_calls(response.headers.get("x-shopify-shop-api-call-limit")),
        )

    def _authorised(self, body: bytes) -> tuple[httpx.Response, bytes]:
        """Send with a token; where a fetched one is refused, once more with a new one."""
        response, raw = self._post(self.path, body, token=self.tokens.token(self._form))
        if response.status_code == 401 and self.tokens.renewable:
            response, raw = self._post(self.path, body, token=self.tokens.renew(self._form))
        return response, raw

    def _form(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        response, raw = self._exchange("POST", path, data=dict(fields))
        return response.status_code, response.headers, raw

    def _post(self, path: str, body: bytes, *, token: str) -> tuple[httpx.Response, bytes]:
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": token}
        return self._exchange("POST", path, content=body, headers=headers)

    def _exchange(self, method: str, path: str, **parts: Any) -> tuple[httpx.Response, bytes]:
        """One exchange, with httpx's errors as rows of our table. `from None`: theirs carry the request's headers."""
        answered = False
        started = self.clock.monotonic()
        try:
            with self.client.stream(method, path, **parts) as response:
                answered = True
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    # httpx's time-out is for each piece; an answer that drips would keep us for ever.
                    if self.clock.monotonic() - started > self.answer_s:
                        raise httpx.ReadTimeout("")
                return response, bytes(body)
        except httpx.TransportError as error:
            kind = kind_of(error, answered=answered)
        except httpx.DecodingError:
            kind = "truncated" if answered else "reset"
        raise unreachable(kind, self.host) from None

    def _served_at(self, headers: Mapping[str, str]) -> datetime:
        """The server's clock; ours where it tells none."""
        try:
            return parsedate_to_datetime(headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return self.clock.now()


def read_cost(found: Any) -> Cost | None:
    """`extensions.cost`, or None where it is missing or incomplete."""
    if not isinstance(found, Mapping) or not isinstance(found.get("throttleStatus"), Mapping):
        return None
    status = found["throttleStatus"]
    actual = found.get("actualQueryCost")
    try:
        return Cost(
            requested=int(found.get("requestedQueryCost") or 0),
            actual=int(actual) if actual is not None else None,
            available=float(status["currentlyAvailable"]),
            maximum=float(status["maximumAvailable"]),
            restore_rate=float(status["restoreRate"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _calls(text: str | None) -> tuple[int, int] | None:
    used, _, most = (text or "").partition("/")
    return (int(used), int(most)) if used.isdigit() and most.isdigit() else None


def kind_of(error: httpx.TransportError, *, answered: bool) -> str:
    """The row of `KINDS` for what httpx raises; `answered`: the head of an answer had come."""
    if isinstance(error, httpx.ConnectTimeout):
        return "connect_timeout"
    if isinstance(error, httpx.ConnectError):
        return _connect_kind(error)
    if isinstance(error, httpx.TimeoutException):
        return "read_timeout"
    return "truncated" if answered else "reset"


def _connect_kind(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls"
        if isinstance(cause, OSError) and type(cause).__name__ == "gaierror":
            return "dns"
        cause = cause.__cause__ or cause.__context__
    return "refused"
