"""The side door under `/_sandbox/`, for tests and demos: statistics, faults, the merchant's hand, clock, snapshots.

No token is asked, the server listens on loopback only. Shapes are in `route`; errors are 400 `{"error": text}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from shopify_sync.sandbox.faults import fault_from_json
from shopify_sync.sandbox.merchant import BadControl, edit

if TYPE_CHECKING:
    from shopify_sync.sandbox.server import SandboxServer


def route(server: SandboxServer, method: str, path: str, query: str, body: Any) -> Any:
    """Answer one control request.

    GET stats | POST stats/reset | GET, POST, DELETE faults (POST: a list of texts or objects, or
    {"rules": [...], "seed": n}) | POST edit (see `merchant.edit`) | POST clock {"advance_s": n} |
    POST bulk {"bulk_s": n}: how long bulk operations take from now on |
    POST seed {"products": n, "orders": n, "seed": s} | POST reset | GET digest | GET dump?type=Product |
    POST snapshot {"name": text} | POST restore {"name": text}, both answer as digest.
    Raises BadControl, LookupError for an unknown path.
    """
    shop, given = server.shop, body if isinstance(body, dict) else {}
    match method, path:
        case "GET", "stats":
            return server.stats()
        case "POST", "stats/reset":
            server.reset_stats()
            return server.stats()
        case "GET", "faults":
            return server.faults.as_json()
        case "POST", "faults":
            return _set_faults(server, body)
        case "DELETE", "faults":
            server.faults.replace([])
            return []
        case "POST", "edit":
            return edit(shop, given)
        case "POST", "clock":
            shop.advance(float(given.get("advance_s", 0)))
            return {"now": shop.now_iso()}
        case "POST", "bulk":
            shop.desk.bulk_s = float(given.get("bulk_s", 0))
            return {"bulk_s": shop.desk.bulk_s}
        case "POST", "seed":
            orders = int(given.get("orders", 0))
            server.seed(int(given.get("products", 0)), int(given.get("seed", 1)), orders=orders)
            return shop.counts()
        case "POST", "reset":
            server.reset()
            return shop.counts()
        case "GET", "digest":
            return _digest(server)
        case "POST", "snapshot":
            server.snapshots[str(given.get("name", ""))] = server.snapshot()
            return _digest(server)
        case "POST", "restore":
            name = str(given.get("name", ""))
            if name not in server.snapshots:
                raise BadControl(f"no snapshot {name!r}")
            server.restore(server.snapshots[name])
            return _digest(server)
        case "GET", "dump":
            type_name = parse_qs(query).get("type", ["Product"])[0]
            with shop.lock:
                return list(shop.table(type_name).values())
    raise LookupError(path)


def _digest(server: SandboxServer) -> Any:
    with server.shop.lock:
        return {"digest": server.digest(), "counts": server.shop.counts()}


def _set_faults(server: SandboxServer, body: Any) -> Any:
    given = body if isinstance(body, dict) and "rules" in body else {"rules": body}
    rules = given["rules"] if isinstance(given["rules"], list) else [given["rules"]]
    try:
        server.faults.replace([fault_from_json(rule) for rule in rules], given.get("seed"))
    except ValueError as error:
        raise BadControl(str(error)) from None
    return server.faults.as_json()
