"""Keep a Shopify store and a SQL database the same, in both directions."""

__version__ = "0.1.0"
