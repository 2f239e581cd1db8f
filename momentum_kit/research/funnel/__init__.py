"""Why nothing came of a headline, from its reception to a fill, and what each rule that bars one saves or costs."""

from momentum_kit.research.funnel.funnel import Funnel, stop_reasons, trace_funnel
from momentum_kit.research.funnel.shadow_book import HORIZONS_S, ShadowBook, keep_shadow_book, lifted, shadow_tables

__all__ = [
    "HORIZONS_S", "Funnel", "ShadowBook", "keep_shadow_book", "lifted", "shadow_tables", "stop_reasons", "trace_funnel",
]  # fmt: skip
