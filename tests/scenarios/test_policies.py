"""What a policy settles without asking is written down: also an edit on one side against a deletion on the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shopify_sync.config.settings import EntitySettings
from tests.world import World


def _sync(world: World, chosen: EntitySettings) -> None:
    with world.app() as app:
        app.settings = replace(app.settings, entities={"products": chosen})
        app.sync()


@pytest.mark.parametrize("prefer", ["local", "shopify", "newest"])
def test_an_edit_against_a_deletion(world: World, prefer: str) -> None:
    """One row of `conflict_log` for each record, with both sides, who won and by which policy."""
    world.pull()
    handles = [row[0] for row in world.rows("SELECT handle FROM products WHERE id IN (1, 2) ORDER BY id")]
    world.sql("DELETE FROM products WHERE id = 1")
    world.server.edit(product=handles[0], set={"title": "Edited there"})
    world.sql("UPDATE products SET title = 'Edited here' WHERE id = 2")
    world.server.edit(product=handles[1], delete=True)
    _sync(world, EntitySettings(prefer=prefer))
    told = world.rows("SELECT record_key, type, status, decision, decided_by FROM conflict_log ORDER BY record_key")
    taken = "local" if prefer == "local" else "shopify"
    assert told == [(handle, "version", "closed", taken, f"policy:{prefer}") for handle in sorted(handles)]
    gone = world.value("SELECT count(*) FROM products WHERE title = 'Edited here' AND deleted_at IS NOT NULL")
    assert gone == (0 if prefer == "local" else 1)
    _sync(world, EntitySettings(prefer=prefer))
    assert world.value("SELECT count(*) FROM conflict_log") == 2
