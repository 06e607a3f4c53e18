"""Readers of import files: rows in, records in our words out, each with the line it began on."""

from shopify_sync.files.items import Parsed, Problem
from shopify_sync.files.reader import FORMATS, FileReader

__all__ = ["FORMATS", "FileReader", "Parsed", "Problem"]
