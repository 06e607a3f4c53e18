"""Every document of every entity is one that Shopify takes, and columns, documents and tables belong together."""

from __future__ import annotations

import pytest

from shopify_sync.entities import NAMES, discovered, entity
from shopify_sync.spec import Form, columns_of
from shopify_sync.spec.documents import documents
from tests.shared import needs_schema, refusals


def test_the_list_of_names_is_what_the_package_holds() -> None:
    """`NAMES` is written down so that help needs no import; it is still the truth."""
    assert tuple(sorted(NAMES)) == discovered()


@needs_schema
@pytest.mark.parametrize("name", NAMES)
def test_queries_are_valid_for_shopify(name: str) -> None:
    """Each derived query validates against Shopify's full schema."""
    for operation, document in documents(entity(name)).items():
        assert refusals(document) == [], operation


@pytest.mark.parametrize("name", NAMES)
def test_every_mapped_column_exists_in_its_table(name: str) -> None:
    """A declared column is a column of the table, and of a form that can be compared."""
    declared = entity(name)
    tables = [declared.table, *(child.target or child.table for child in declared.children)]
    for table in tables:
        columns = columns_of(table)
        assert columns, table
        for column in columns:
            assert column.name in table.__table__.c  # type: ignore[attr-defined]
            assert isinstance(column.form, Form)


@pytest.mark.parametrize("name", NAMES)
def test_children_name_columns_that_exist(name: str) -> None:
    """Parents, links and constants of a child stand in its table."""
    for child in entity(name).children:
        names = set(child.table.__table__.c.keys())  # type: ignore[attr-defined]
        wanted = {child.parent_column, *child.fixed, "sync_rev"}
        wanted |= {child.link} if child.link else set()
        wanted |= {child.position_column} if child.position_column else set()
        wanted |= set(child.remembers or ())
        assert wanted <= names
