"""The vocabulary of seeded orders: fates, places, names, notes and taxes, in many languages."""

from __future__ import annotations

PRESENTMENT = ("EUR", "GBP", "JPY", "KWD", "CAD")
# What becomes of an old order, and of one of the last three weeks; weights in percent.
OLD_FATES = {
    "done": 76,
    "part refunded": 6,
    "refunded": 3,
    "returned": 4,
    "cancelled": 4,
    "voided": 3,
    "edited": 3,
    "open": 1,
}
YOUNG_FATES = {
    "done": 35, "open": 28, "authorized": 6, "pending": 8, "part fulfilled": 7, "held": 2, "edited": 3, "part paid": 2,
    "returning": 3, "requested": 1, "cancelled": 3, "in progress": 2,
}  # fmt: skip
PLACES = (
    ("US", "United States", "NY", "New York", "New York", "10001", "5 Mott St"),
    ("US", "United States", "CA", "California", "San José", "95112", "1200 N 1st St"),
    ("CA", "Canada", "QC", "Quebec", "Montréal", "H2X 1Y4", "3575 Boul. Saint-Laurent"),
    ("DE", "Germany", None, None, "Köln", "50667", "Große Straße 7"),
    ("GB", "United Kingdom", "ENG", "England", "London", "E1 6AN", "12 Brick Lane"),
    ("JP", "Japan", "JP-13", "Tōkyō", "渋谷区", "150-0002", "渋谷 2-21-1"),
    ("KW", "Kuwait", None, None, "مدينة الكويت", "13001", "شارع فهد السالم"),
    ("FR", "France", None, None, "Besançon", "25000", "8 rue de l’Église"),
)  # fmt: skip
NAMES = (
    ("Ada", "Lovelace"), ("José", "Núñez"), ("山田", "太郎"), ("Zoë", "O’Brien"), ("Łukasz", "Żak"), ("نور", "الصباح"),
    ("Björk", "Ásdísardóttir"), ("Anne-Marie", "d’Hérouville"), ("Siobhán", "Ní Bhriain"), ("Иван", "Петров"),
)  # fmt: skip
TAGS = ("vip", "gift", "wholesale", "Geschenk 🎁", "fraud-checked", "preorder", "B2B", "étiquette", "rush", "店頭")
NOTES = (
    "Leave at the door.", "Bitte klingeln & warten.", "置き配でお願いします", "يرجى الاتصال قبل التوصيل",
    "“Happy birthday” — from Zoë 🎂", "Line 1\nLine 2\r\nLine 3",
)  # fmt: skip
GATEWAYS = ("shopify_payments", "shopify_payments", "shopify_payments", "paypal", "manual", "gift_card")
TAXES = {"DE": (("VAT", "0.19"),), "GB": (("VAT", "0.2"),), "FR": (("TVA", "0.2"),), "JP": (("消費税", "0.1"),)}
US_TAXES = (("New York State Tax", "0.04"), ("New York City Tax", "0.045"), ("Metro Tax", "0.00375"))
