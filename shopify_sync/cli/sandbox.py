"""`sandbox …`: a simulated shop on this machine."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import typer

from shopify_sync.cli._options import make_app, options_of
from shopify_sync.cli._output import print_json, say
from shopify_sync.errors import UsageError

app = make_app(help="A simulated shop on this machine: no store, no account, nothing leaves loopback.")

_PORT = 8765


@app.command(
    help="Serve a sandbox shop until Ctrl-C.\n\n"
    "--fault KIND[:ARG][@MATCH]=HOW_OFTEN, for instance 503=0.05, reset_after@mutation=once, latency:200=1.",
    epilog="Example: shopify-sync sandbox serve --products 200 --seed 7",
)
def serve(
    ctx: typer.Context,
    port: int = typer.Option(_PORT, help="0 takes a free one."),
    products: int = typer.Option(50, min=0, help="Products of the made-up catalogue."),
    orders: int = typer.Option(0, min=0, help="Orders over that catalogue."),
    seed: int = typer.Option(1, help="The same seed gives the same catalogue."),
    state: Path = typer.Option(None, help="Keep the shop in this file."),
    fault: list[str] = typer.Option([], help="What goes wrong, and how often."),
    bucket: int = typer.Option(2000, min=1, help="Points that the bucket holds."),
    restore: float = typer.Option(100.0, min=0.1, help="Points that flow back a second."),
) -> int:
    from shopify_sync.sandbox import SandboxServer

    options = options_of(ctx)
    try:
        server = SandboxServer(
            products=products,
            orders=orders,
            seed=seed,
            port=port,
            state=str(state) if state else None,
            faults=tuple(fault),
            bucket=bucket,
            restore=restore,
        )
    except ValueError as error:
        raise UsageError(str(error), next="`shopify-sync sandbox serve --help` shows the grammar") from None
    except OSError as error:
        raise UsageError(
            f"port {port} can't be used: {error.strerror}", next="give another with --port, or 0 for a free one"
        ) from None
    if options.json:
        print_json({"url": server.url, "token": server.token, "domain": server.domain})
    else:
        say(f"a sandbox shop with {products} products at {server.url} (Ctrl-C ends it)")
        say("to use it, in another terminal:")
        say(f"  export SHOPIFY_API_URL={server.url}")
        say(f"  export SHOPIFY_ACCESS_TOKEN={server.token}")
        say("  shopify-sync --database sqlite:///sandbox.db sync")
    typer.get_text_stream("stdout").flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.stop()
    return 0


@app.command(
    help="Fill a running sandbox with a made-up catalogue.",
    epilog="Example: shopify-sync sandbox seed --products 500",
)
def seed(
    ctx: typer.Context,
    products: int = typer.Option(50, min=0),
    orders: int = typer.Option(0, min=0, help="Orders over the catalogue."),
    seed: int = typer.Option(1, help="The same seed gives the same catalogue."),
    url: str = typer.Option(None, help=f"Of the sandbox; $SHOPIFY_API_URL or port {_PORT} when not given."),
) -> int:
    return _ask(ctx, url, "seed", {"products": products, "orders": orders, "seed": seed})


@app.command(help="Empty a running sandbox.", epilog="Example: shopify-sync sandbox reset")
def reset(
    ctx: typer.Context,
    url: str = typer.Option(None, help=f"Of the sandbox; $SHOPIFY_API_URL or port {_PORT} when not given."),
) -> int:
    return _ask(ctx, url, "reset", {})


def _ask(ctx: typer.Context, url: str | None, what: str, body: dict[str, Any]) -> int:
    import os
    import re

    base = (url or os.environ.get("SHOPIFY_API_URL") or f"http://127.0.0.1:{_PORT}").rstrip("/")
    if not re.fullmatch(r"http://(127(\.\d+){3}|localhost|\[::1\])(:\d+)?", base):
        raise UsageError("a sandbox is on this machine", next="give --url http://127.0.0.1:PORT")
    request = urllib.request.Request(  # noqa: S310 - loopback, checked above
        f"{base}/_sandbox/{what}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            found = json.load(answer)
    except (urllib.error.URLError, ValueError):
        raise UsageError(f"no sandbox answers at {base}", next="start one: shopify-sync sandbox serve") from None
    if options_of(ctx).json:
        print_json(found)
    else:
        say(f"{base}: " + ", ".join(f"{count:,} {name}" for name, count in found.items() if count))
    return 0
