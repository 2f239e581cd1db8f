"""Answers to requests for news of the past, bodies and providers."""

from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol import Request, parse_time
from momentum_kit.simgateway.protocol.text import (
    ArticleRequest,
    ContractQuery,
    NewsHistoryRequest,
    historical_news,
    historical_news_end,
    news_article,
    news_bulletin,
    news_providers,
)

FIRST_TAPE_CON_ID = 2_000_000_001  # out of reach of the stocks' ids


def providers(session: ClientSession, _: None) -> None:
    """ReqNewsProviders."""
    session.send(news_providers(session.version, session.hub.market.providers.items()))


def unentitled(session: ClientSession, codes: tuple[str, ...]) -> str | None:
    """IB's words for the first provider this login may not read; None if it may read all."""
    for code in codes:
        if code not in session.hub.market.providers:
            return f"Error validating request.-'bS' : cause - Not subscribed for '{code}' provider"
    return None


def broad_tape(session: ClientSession, contract: ContractQuery) -> Instrument | None:
    """The contract of a provider's broad tape (secType NEWS, symbol X:X_ALL); None if it names none."""
    provider, _, rest = contract.symbol.partition(":")
    codes = sorted(session.hub.market.providers)
    if provider not in codes or rest != f"{provider}_ALL":
        return None
    return Instrument(
        con_id=FIRST_TAPE_CON_ID + codes.index(provider),
        symbol=contract.symbol,
        long_name=session.hub.market.providers[provider],
        primary_exchange="",
        trading_class=provider,
        valid_exchanges=(provider,),
        market_rule_ids=(),
        order_types="",
        industry="",
        category="",
        subcategory="",
        stock_type="",
        sec_type="NEWS",
    )


def history(session: ClientSession, ask: NewsHistoryRequest) -> None:
    """ReqHistoricalNews: newest first, at most 300."""
    refusal = unentitled(session, ask.providers)
    if refusal is None and not session.hub.market.find(con_id=ask.con_id):
        refusal = "Error validating request.-'bS' : cause - Unknown contract"
    if refusal is None and not 1 <= ask.limit <= session.hub.limits.headlines:
        most = session.hub.limits.headlines
        refusal = f"Error validating request.-'bS' : cause - Total results must be from 1 to {most}"
    if refusal:
        session.error(ask.request_id, 321, refusal)
        return
    start, end = parse_time(ask.start), parse_time(ask.end)  # as IB has it: start exclusive, end inclusive
    events, has_more = session.hub.market.news_history(ask.con_id, ask.providers, start, end, ask.limit)
    for event in events:
        session.send(historical_news(session.version, ask.request_id, event))
    session.send(historical_news_end(session.version, ask.request_id, has_more))


def article(session: ClientSession, ask: ArticleRequest) -> None:
    """ReqNewsArticle."""
    refusal = unentitled(session, (ask.provider,))
    if refusal:
        session.error(ask.request_id, 321, refusal)
        return
    found = session.hub.market.article(ask.provider, ask.article_id)
    if found is None:
        session.error(ask.request_id, 10172, "Failed to request news article:No data available")
        return
    session.send(news_article(session.version, ask.request_id, *found))


def bulletins(session: ClientSession, all_of_today: bool) -> None:
    """ReqNewsBulletins: those of today where asked for, and each new one until cancelled."""
    session.hears_bulletins = True
    for bulletin in session.hub.bulletins if all_of_today else ():
        session.send(news_bulletin(session.version, bulletin))


def cancel_bulletins(session: ClientSession, _: None) -> None:
    """CancelNewsBulletins."""
    session.hears_bulletins = False


HANDLERS = {
    Request.NEWS_BULLETINS: bulletins,
    Request.CANCEL_NEWS_BULLETINS: cancel_bulletins,
    Request.NEWS_PROVIDERS: providers,
    Request.HISTORICAL_NEWS: history,
    Request.NEWS_ARTICLE: article,
}
