"""The vocabulary of seeded catalogues: trades with their things, options and vendors, in many languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """What one kind of shop sells. `options` are (name, values); prices are in cents."""

    product_type: str
    vendors: tuple[str, ...]
    adjectives: tuple[str, ...]
    things: tuple[str, ...]
    options: tuple[tuple[str, tuple[str, ...]], ...]
    tags: tuple[str, ...]
    prices: tuple[int, int]
    weight_g: tuple[int, int]
    text: str
    category: str | None = None


SIZES = ("XS", "S", "M", "L", "XL", "2XL", "3XL")
COLOURS = ("Black", "Écru", "Navy", "Rouge", "Grün", "Sand", "青", "Lilac", "Petrol", "Senfgelb")

TRADES = (
    Trade(
        "T-Shirts",
        ("Nordlys Tøj", "Café Müller", "Acme & Söhne"),
        ("Organic", "Heavyweight", "Vintage", "Boxy", "Søndags"),
        ("T-Shirt", "Longsleeve", "Tank Top", "Henley", "Polo"),
        (("Size", SIZES), ("Color", COLOURS)),
        ("cotton", "summer", "unisex", "Été 2026", "new"),
        (1490, 5990),
        (140, 320),
        "<p>Soft <strong>combed cotton</strong>, knitted in Portugal.</p><ul><li>180 g/m²</li><li>30 °C</li></ul>",
        "gid://shopify/TaxonomyCategory/aa-1-13-8",
    ),
    Trade(
        "コーヒー豆",
        ("珈琲工房 山田", "Kaffeerösterei Größ", "Finca El Árbol"),
        ("深煎り", "浅煎り", "Single Origin", "Washed", "Natural"),
        ("エチオピア", "グアテマラ", "Colombia Huila", "Kenya AA", "ブレンド No. 7"),
        (("Weight", ("250 g", "500 g", "1 kg")), ("挽き方", ("豆のまま", "中挽き", "細挽き"))),
        ("coffee", "珈琲", "fair trade", "limited ☕"),
        (980, 3480),
        (260, 1050),
        "<p>チョコレートと柑橘の香り。<br>Notes of cocoa &amp; bergamot.</p>",
        "gid://shopify/TaxonomyCategory/fb-1-3",
    ),
    Trade(
        "عطور",
        ("دار العود", "Maison d’Été", "Atelier Nº 9"),
        ("ملكي", "Intense", "خشبي", "Frais"),
        ("عطر العود", "ماء الورد", "Eau de Parfum", "زيت المسك"),
        (("الحجم", ("30 مل", "50 مل", "100 مل")),),
        ("perfume", "هدية", "unisex", "gift"),
        (3900, 24900),
        (120, 480),
        '<div dir="rtl"><p>عطر شرقي دافئ يدوم طويلاً.</p></div><p>Warm, woody, long lasting.</p>',
        "gid://shopify/TaxonomyCategory/hb-3-2-8",
    ),
    Trade(
        "Garden",
        ("Gärtnerei Blümchen", "Green & Grow Ltd.", "Mr. O’Leary"),
        ("Winterharte", "Dwarf", "Climbing", "Old-fashioned", "Bio"),
        ("Rose “Gloire de Dijon”", "Lavendel", "Tomato ‘Black Cherry’", "Crème de menthe", "Żurawina"),
        (("Pot", ("9 cm", "2 l", "5 l")),),
        ("garden", "perennial", "bee friendly 🐝", "50% off"),
        (349, 2999),
        (300, 6000),
        "<h3>Care</h3><p>Full sun, well-drained soil; water sparingly &lt; 1 l/day.</p>",
    ),
    Trade(
        "Books",
        ("Éditions du Chêne", "Suhrkamp", "岩波書店", "Наука"),
        ("The Little", "Das große", "Le petit", "Полное", "小さな"),
        ("Book of Knots", "Kochbuch", "Atlas", "собрание сочинений", "辞典", "Almanach"),
        (("Format", ("Paperback", "Hardcover", "E-Book")),),
        ("book", "gift", "bestseller", "Ελληνικά"),
        (899, 5900),
        (180, 1400),
        "<p>“A joy to read” — <em>The Review</em></p><blockquote>Ἐν ἀρχῇ ἦν ὁ λόγος</blockquote>",
    ),
    Trade(
        "Bike Parts",
        ("Schmied Räder", "Velocità", "Ŝtalo Works"),
        ("Forged", "CNC", "Titanium", 'Race 27.5"', "Tubeless"),
        ("Crankset", "Hub", "Seat Post", "Chainring", "Brake Lever", "Handlebar"),
        (("Diameter", ("25.4 mm", "27.2 mm", "31.6 mm")), ("Finish", ("Raw", "Black", "Oil Slick 🌈"))),
        ("bike", "mtb", "road", "Ersatzteil", "steel/alloy"),
        (1250, 48900),
        (80, 1900),
        "<table><tr><th>Weight</th><td>212&nbsp;g</td></tr><tr><th>Norm</th><td>ISO 4210</td></tr></table>",
    ),
    Trade(
        "Ceramics",
        ("Zoë’s Studio", "民藝堂", "Keramika Čapek"),
        ("Hand-thrown", "Glazed", "Wabi-sabi", "Två-färgad"),
        ("Mug", "Tea Bowl 茶碗", "Vase", "Plate", "Cafetie\u0301re", "Smo\u0308rdosa"),
        (("Glaze", ("Celadon", "Tenmoku", "Shino", "Raku")), ("Size", ("small", "medium", "large"))),
        ("handmade", "stoneware", "Geschenk", "🎁"),
        (1800, 14500),
        (220, 2400),
        "<p>Each piece is unique; colours vary.</p><p>Spülmaschinenfest 👩🏽‍🍳</p>",
    ),
    Trade(
        "Toys",
        ("Holzwurm GmbH", "Lekar & Lek", "Juguetes Peña"),
        ("Wooden", "Plüsch", "My First", "Giant"),
        ("Train", "Dinosaur 🦕", "Puzzle 1000", "Rocking Horse", "Yo-yo", "Drachen"),
        (("Color", ("Red", "Blue", "Green", "Natural")),),
        ("kids", "3+", "wood", "Navidad"),
        (590, 8990),
        (60, 3500),
        "<p>From beech &amp; maple. <b>Not</b> suitable under 36 months.</p>",
    ),
    Trade(
        "Skincare",
        ("Hygge Lab", "Dr. Grün", "La Crème"),
        ("Daily", "Repair", "SPF 50", "Sensitive", "Overnight"),
        ("Face Cream", "Serum", "Körpermilch", "Lip Balm", "Cleansing Oil"),
        (("Volume", ("15 ml", "50 ml", "200 ml")),),
        ("vegan", "no perfume", "spf", "Naturkosmetik"),
        (690, 7900),
        (30, 260),
        "<p>With 5&nbsp;% niacinamide &amp; jojoba.</p><p><small>INCI: Aqua, Glycerin …</small></p>",
    ),
)
COLLECTIONS = (
    "Home page", "New Arrivals", "Été 2026", "Sale", "ギフト", "هدايا", "Under 20", "Best Sellers ⭐", "Handmade",
    "Organic & Fair", "Winter / Hiver", "For Her", "Für Ihn", "Office", "Outdoor", "Last Chance", "Limited Editions",
    "Kids", "Vintage", "Staff Picks",
)  # fmt: skip
COUNTRIES = ("DE", "JP", "PT", "US", "IT", "VN", "CN", "FR", None, None)
