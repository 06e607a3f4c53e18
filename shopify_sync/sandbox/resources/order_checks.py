"""What is wrong with the contact details of an order input. Recorded: orderUpdate-input-validation."""

from __future__ import annotations

import re
from typing import Any

from shopify_sync.sandbox.resources.checks import error
from shopify_sync.sandbox.state import Record

_PHONE = re.compile(r"\+?[\d\s().*/-]{5,}")  # recordings have digits hidden behind asterisks
_STATES = (
    "AL AK AS AZ AR CA CO CT DE DC FM FL GA GU HI ID IL IN IA KS KY LA ME MH MD MA MI MN MS MO MT NE NV NH NJ NM NY NC "
    "ND MP OH OK OR PW PA PR RI SC SD TN TX UM VI UT VT VA WA WV WI WY AA AE AP"
)
_PROVINCES = "AB BC MB NB NL NT NS NU ON PE QC SK YT"
_REGIONS = {
    "US": (frozenset(_STATES.split(" ")), "State is not a valid state in United States"),
    "CA": (frozenset(_PROVINCES.split(" ")), "Province is not a valid province in Canada"),
}
_ZIP = {"US": "Enter a ZIP code"}


def phone_problem(phone: str | None, path: list[str]) -> list[Record]:
    """A phone number has digits and separators only."""
    if phone is None or _PHONE.fullmatch(phone.strip()):
        return []
    return [error(path, "Phone is invalid")]


def address_problems(given: dict[str, Any] | None, path: list[str]) -> list[Record]:
    """What an address lacks to be delivered to; regions are known for two countries only."""
    if given is None:
        return []
    found = []
    country = given.get("countryCode") or ""
    for key, message in (
        ("lastName", "Enter a last name"),
        ("address1", "Enter an address"),
        ("city", "Enter a city"),
        ("zip", _ZIP.get(country, "Enter a postal code")),
    ):
        if not (given.get(key) or "").strip():
            found.append(error([*path, key], message))
    region = given.get("provinceCode")
    if country in _REGIONS and region is not None and region not in _REGIONS[country][0]:
        found.append(error([*path, "province"], _REGIONS[country][1]))
    return found
