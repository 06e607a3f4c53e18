"""Every error the program raises on purpose. An error is data: code, what, why, next and exit code.

    SyncError                       1  unexpected, unless a subclass says otherwise
    ├── UsageError                  2  wrong flags or arguments
    │   └── ConfigError             2  every mistake in the configuration, at once
    ├── AuthError                   5  Shopify refuses us
    │   ├── TokenRejected           5  HTTP 401, or a refused client-credentials grant
    │   └── MissingScope            5  ACCESS_DENIED or HTTP 403
    ├── Unavailable                 6  Shopify can't be reached or used now
    │   ├── Unreachable             6  no connection, time-out, 5xx, broken body
    │   │   └── Throttled           6  429 or THROTTLED; asked to wait, which is no failure of the shop
    │   ├── CircuitOpen             6  the breaker refuses calls until its time-out is over
    │   ├── SlotsTaken              6  as many bulk operations run as Shopify allows at once
    │   └── ShopClosed              6  402, 404, 423, SHOP_INACTIVE: waiting does not help
    ├── RequestRefused              1  Shopify answered: this document or these variables are wrong
    │   ├── QueryTooExpensive       1  MAX_COST_EXCEEDED; the page shrinks
    │   └── BulkRefused             1  a bulk operation that Shopify does not start, or a file it does not take
    ├── ResultGone                  1  a bulk operation's result that can't be had (any more)
    ├── LocalFileError              1  a file on this machine can't be read or written: no room, no permission
    ├── DatabaseError               7  locked, read-only, corrupt, full, unreachable or of another version
    ├── LeaseHeld                   8  another run of the same entity and direction is under way
    ├── BrakeApplied                9  stopped before the first write
    └── Interrupted               130  Ctrl-C or SIGTERM

Families say what to do: `Unreachable` may be tried again (the table is `shopify/errors.py`), a record's own
refusal is a `RecordError` in `records.py` and never raised across a run, all others stop the run.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SyncError(Exception):
    """Base of all. `code` is a stable slug, `what` one sentence, `why` and `next` may be empty.

    `details` is JSON-like data for `--json` and logs; it never holds a secret.
    """

    code: str = "unexpected"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        next: str = "",
        code: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next
        if code is not None:
            self.code = code
        self.details = details or {}

    def as_json(self) -> dict[str, Any]:
        """`{"code", "what", "why", "next", "exit_code", "details"}`, the form of `--json`."""
        return {
            "code": self.code,
            "what": self.what,
            "why": self.why,
            "next": self.next,
            "exit_code": self.exit_code,
            "details": self.details,
        }


class UsageError(SyncError):
    code = "usage"
    exit_code = 2


class ConfigError(UsageError):
    """`problems` is a list of one-line sentences, each with file and line where there is one."""

    code = "configuration"

    def __init__(self, what: str, *, problems: list[str] | None = None, why: str = "", next: str = "") -> None:
        super().__init__(what, why=why, next=next, details={"problems": problems or []})
        self.problems = problems or []


class AuthError(SyncError):
    code = "not-authorised"
    exit_code = 5


class TokenRejected(AuthError):
    code = "token-rejected"


class MissingScope(AuthError):
    code = "missing-scope"


class Unavailable(SyncError):
    code = "shopify-unavailable"
    exit_code = 6


class Unreachable(Unavailable):
    """A failure of the network or of Shopify's servers. `kind` is the row of the retry table it falls under.

    `sent` tells whether the request may have reached Shopify: a write that may have been carried out is only
    tried again when it is safe to repeat.
    """

    code = "unreachable"

    def __init__(
        self,
        what: str,
        *,
        kind: str,
        sent: bool = True,
        retry_after_s: float | None = None,
        why: str = "",
        next: str = "",
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(what, why=why, next=next, details=details)
        self.kind = kind
        self.sent = sent
        self.retry_after_s = retry_after_s


class Throttled(Unreachable):
    code = "throttled"


class CircuitOpen(Unavailable):
    """The breaker is open. `retry_in_s` is the time until the next probe may go."""

    code = "circuit-open"

    def __init__(self, what: str, *, retry_in_s: float, why: str = "", next: str = "") -> None:
        super().__init__(what, why=why, next=next, details={"retry_in_s": round(retry_in_s, 1)})
        self.retry_in_s = retry_in_s


class SlotsTaken(Unavailable):
    """All slots for bulk operations are taken. `ids` are the operations that hold them, as far as Shopify told."""

    code = "bulk-slots-taken"

    def __init__(self, what: str, *, ids: tuple[int, ...] = (), why: str = "", next: str = "") -> None:
        super().__init__(what, why=why, next=next, details={"ids": list(ids)})
        self.ids = ids


class ShopClosed(Unavailable):
    code = "shop-closed"


class RequestRefused(SyncError):
    """Shopify refused the document or its variables; `errors` is the list of the answer's top-level errors."""

    code = "request-refused"

    def __init__(
        self,
        what: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        why: str = "",
        next: str = "",
    ) -> None:
        super().__init__(what, why=why, next=next, details={"errors": errors or []})
        self.errors = errors or []


class QueryTooExpensive(RequestRefused):
    code = "query-too-expensive"


class BulkRefused(RequestRefused):
    """`reason` is Shopify's code (`INVALID`, `INVALID_MUTATION`, `NO_SUCH_FILE`, …), empty where it gave none."""

    code = "bulk-refused"

    def __init__(
        self,
        what: str,
        *,
        reason: str = "",
        errors: list[dict[str, Any]] | None = None,
        why: str = "",
        next: str = "",
    ) -> None:
        super().__init__(what, errors=errors, why=why, next=next)
        self.reason = reason


class ResultGone(SyncError):
    code = "bulk-result-gone"


class LocalFileError(SyncError):
    code = "local-file"


class DatabaseError(SyncError):
    code = "database"
    exit_code = 7


class LeaseHeld(SyncError):
    code = "already-running"
    exit_code = 8


class BrakeApplied(SyncError):
    code = "brake"
    exit_code = 9


class Interrupted(SyncError):
    code = "interrupted"
    exit_code = 130
