"""Finds the contract that a request names, and answers requests for contracts: details, search, market rules."""

from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway.client.handlers.news import broad_tape
from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.market import Market
from momentum_kit.simgateway.protocol import Request
from momentum_kit.simgateway.protocol.text import (
    ContractDetailsRequest,
    ContractQuery,
    MatchingRequest,
    contract_details,
    contract_details_end,
    market_rule,
    symbol_samples,
)

NO_DEFINITION = "No security definition has been found for the request"


def resolve(market: Market, contract: ContractQuery) -> list[Instrument]:
    """Stocks that fit what a client wrote: by con id, else by symbol, listing and currency."""
    if contract.con_id:
        return market.find(con_id=contract.con_id)
    symbol = contract.symbol or contract.local_symbol
    return [
        item
        for item in market.find(symbol=symbol)
        if contract.sec_type in ("", item.sec_type)
        and contract.currency in ("", item.currency)
        and contract.exchange in ("", item.primary_exchange, *item.valid_exchanges)
        and contract.primary_exchange in ("", item.primary_exchange)
    ]


def stock_of(session: ClientSession, request_id: int, contract: ContractQuery) -> Instrument | None:
    """The first stock that a client may mean; None after the refusal was sent."""
    found = resolve(session.hub.market, contract)
    if not found:
        session.error(request_id, 200, NO_DEFINITION)
        return None
    return found[0]


def details(session: ClientSession, ask: ContractDetailsRequest) -> None:
    """ReqContractDetails: every stock that matches, then the end."""
    hub = session.hub
    by_isin = [item for item in hub.market.instruments.values() if ask.sec_id and item.isin == ask.sec_id]
    found = by_isin if ask.sec_id_type == "ISIN" else resolve(hub.market, ask.contract)
    if ask.contract.sec_type == "NEWS":
        tape = broad_tape(session, ask.contract)
        found = [tape] if tape else []
    if not found:
        session.error(ask.request_id, 200, NO_DEFINITION)
        return
    for item in found:
        session.send(contract_details(session.version, ask.request_id, item, exchange_day(hub.now)))
    session.send(contract_details_end(session.version, ask.request_id))


def matching(session: ClientSession, ask: MatchingRequest) -> None:
    """ReqMatchingSymbols."""
    session.send(symbol_samples(session.version, ask.request_id, session.hub.market.matching(ask.pattern)))


def rule(session: ClientSession, rule_id: int) -> None:
    """ReqMarketRule; the request has no id, so a refusal carries none."""
    bands = session.hub.market.market_rules.get(rule_id)
    if bands is None:
        session.error(-1, 321, f"Error validating request.-'bK' : cause - Invalid market rule id {rule_id}")
        return
    session.send(market_rule(session.version, rule_id, bands))


HANDLERS = {
    Request.CONTRACT_DETAILS: details,
    Request.MATCHING_SYMBOLS: matching,
    Request.MARKET_RULE: rule,
}
