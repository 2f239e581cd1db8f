"""Foreign files to the archive: CSV, Parquet and QuantConnect Lean; one bad row imports nothing."""

from momentum_kit.storage.imports.layouts import HEADLINE_LAYOUTS, LAYOUTS, layout_values
from momentum_kit.storage.imports.lean import import_lean
from momentum_kit.storage.imports.mapping import load_mapping
from momentum_kit.storage.imports.tables import import_tables

__all__ = ["HEADLINE_LAYOUTS", "LAYOUTS", "import_lean", "import_tables", "layout_values", "load_mapping"]
