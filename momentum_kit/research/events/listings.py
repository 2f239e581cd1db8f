"""Which contract a ticker was on a day: the dated symbol master, where the engine asks the broker."""

from collections import Counter
from collections.abc import Collection
from datetime import date

from momentum_kit.detection.news import MatchLayer, Mention, SymbolMaster, name_agrees
from momentum_kit.models import canonical_symbol
from momentum_kit.research.events.reading import Reading
from momentum_kit.research.events.source import Source
from momentum_kit.storage.archive import BARS, BARS_5S, DatedMaster


class Listings:
    """The symbol masters of a source, asked day after day; where it has none, a ticker is whatever has bars."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.dated = source.symbol_master(date.max) is not None
        self._day: date | None = None
        self._master: DatedMaster | None = None
        self._known: dict[str, tuple[int, str]] = {}

    def resolve(
        self, reading: Reading, symbols: Collection[str], master: SymbolMaster | None
    ) -> list[tuple[str, int, str]]:
        """Symbol, con_id and company name of the named companies among `symbols`, each contract once."""
        found: dict[int, tuple[str, int, str]] = {}
        for named in reading.mentions:
            if named.symbol not in symbols:
                continue
            if named.own and reading.own_con_id:
                name = master.name(reading.own_symbol) if master else ""
                found.setdefault(reading.own_con_id, (reading.own_symbol, reading.own_con_id, name))
                continue
            con_id, name = (
                self._on(reading.day).get(named.symbol, (0, "")) if self.dated else self._with_bars(named.symbol)
            )
            doubtful = master is None and named.needs_name
            agrees = not doubtful or name_agrees(name, Mention(named.symbol, MatchLayer.BRACKETED, named.before))
            if con_id and agrees:
                found.setdefault(con_id, (named.symbol, con_id, name))
        return list(found.values())

    def _with_bars(self, symbol: str) -> tuple[int, str]:
        known = any(self._source.provenances(kind, symbol) for kind in (BARS, BARS_5S))
        return (int.from_bytes(symbol.encode()) if known else 0), ""  # nobody knows its id: one that is its own

    def _on(self, day: date) -> dict[str, tuple[int, str]]:
        if day != self._day:
            # nothing that old: the newest there is; what it has lost since is counted as survivorship
            dated = self._source.symbol_master(day) or self._source.symbol_master(date.max)
            if dated and (self._master is None or dated.day != self._master.day):
                self._master, self._known = dated, _by_symbol(dated)
            self._day = day
        return self._known


def _by_symbol(master: DatedMaster) -> dict[str, tuple[int, str]]:
    """con_id and name of the symbols that mean one US stock, as the engine's address book chooses."""
    stocks = [each for each in master.listings if each.sec_type == "STK" and each.currency == "USD"]
    spelled = [(canonical_symbol(each.symbol), each) for each in stocks]
    named = Counter(symbol for symbol, _ in spelled)
    return {symbol: (each.con_id, each.name) for symbol, each in spelled if named[symbol] == 1}
