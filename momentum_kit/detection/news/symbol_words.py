"""Word lists behind ticker extraction: what only looks like a ticker, who acts rather than is acted upon."""

EXCHANGES = (
    r"NASDAQ(?:\s?(?:GS|GM|CM|GSM|GM|CM))?|NYSE(?:\s?(?:American|Arca|MKT))?|NYSEAMERICAN|NYSEARCA|AMEX|CBOE|BATS|"
    r"OTC(?:QB|QX|BB|\s?Pink|\s?Markets|MKTS)?|PINK"
)
"""US listings, as a regular expression; what trades elsewhere only is not ours."""

_STOP_WORDS = (
    # titles and law
    "CEO CFO COO CTO CMO CIO CSO EVP SVP VP MD PHD ESQ LLC LLP INC LTD PLC CORP CO SA AG NV SE",
    # regulators, agencies, courts, countries
    "FDA EMA SEC DOJ FTC FCC EPA DOE DOD DOT FAA NHTSA NIH",
    "CDC CMS HHS DEA IRS FED FOMC ECB BOJ BOE IMF OPEC NATO UN",
    "NASA DARPA USPTO CFTC FINRA NLRB OSHA USDA MHRA NMPA PMDA USA US UK EU UAE PRC DC NY LA CA TX",
    # drug development
    "NDA BLA IND ANDA CRL PDUFA RMAT EUA ODD BTD NSCLC AML CLL ALS MS RNA DNA MRNA HIV CAR",
    # accounts, markets and deals
    "EPS GAAP EBIT EBITDA FFO AFFO NAV AUM ARR ROI ROE YOY QOQ YTD",
    "FY FQ Q1 Q2 Q3 Q4 H1 H2 GDP CPI PPI PMI PCE IPO SPAC",
    "ETF ETN REIT ADR ADS ATM PIPE M A MA LOI MOU NAV PT EST",
    "ET EDT PST AM PM GMT UTC CET USD EUR GBP JPY CAD CNY BTC",
    "ETH OTC NYSE NASDAQ AMEX CBOE BATS ARCA TSX TSXV LSE ASX HKEX SIX PINK DJIA SPX NDX RUT VIX",
    # technology and trade words
    "AI ML AR VR IT API SAAS PAAS IOT CPU GPU LLM EV ESG 5G TV PC OS IP HR PR CES GTC WWDC R D RD B2B",
    # newsroom words
    "UPDATE UPDATES ALERT BREAKING EXCLUSIVE NEWS BRIEF WATCH",
    "CORRECT CORRECTION REPEAT RPT WRAP POLL TABLE FACTBOX",
    "WSJ CNBC DJ NYT FT BBC AP AFP CNN BBG RTRS MW",
    "BARRONS BUY SELL HOLD TOP KEY NOTE LIVE VIDEO STUDY DEAL TIP FAQ",
    # English in capitals
    "A I AN AND ARE AS AT BE BY FOR FROM HAS HE IF IN IS",
    "NO NOT NOW OF ON OR OUT SO THE TO UP WE ALL ANY BIG NEW ONE",
    "SEE TWO VS",
)
STOP_WORDS = frozenset(word for line in _STOP_WORDS for word in line.split())
"""Capitals that are words; accepted as tickers only with an exchange, a known cashtag or an agreeing company name."""

BROKERS: dict[str, tuple[str, ...]] = {
    "GS": ("Goldman",),
    "MS": ("Morgan Stanley",),
    "JPM": ("JPMorgan", "JP Morgan", "J.P. Morgan"),
    "BAC": ("BofA", "Bank of America", "Merrill"),
    "C": ("Citi", "Citigroup"),
    "WFC": ("Wells Fargo",),
    "UBS": ("UBS",),
    "DB": ("Deutsche Bank",),
    "BCS": ("Barclays",),
    "RY": ("RBC",),
    "TD": ("TD Cowen", "TD Securities"),
    "BMO": ("BMO",),
    "BNS": ("Scotiabank",),
    "CM": ("CIBC",),
    "RJF": ("Raymond James",),
    "SF": ("Stifel",),
    "JEF": ("Jefferies",),
    "PIPR": ("Piper Sandler",),
    "OPY": ("Oppenheimer",),
    "EVR": ("Evercore",),
    "HSBC": ("HSBC",),
    "NMR": ("Nomura",),
    "MFG": ("Mizuho",),
    "BNPQY": ("BNP Paribas", "Exane"),
    "KEY": ("KeyBanc",),
    "TFC": ("Truist",),
    "USB": ("US Bancorp",),
    "MCO": ("Moody's",),
    "SPGI": ("S&P Global",),
    "MORN": ("Morningstar",),
}
"""Listed brokers and what headlines call them: "Goldman downgraded NIO (NIO)" is about NIO."""

_SUFFIXES = (
    "inc incorporated corp corporation co company companies ltd limited plc llc lp nv sa ag se ab asa spa group",
    "holding holdings the class ordinary common shares stock adr ads trust",
)
COMPANY_SUFFIXES = frozenset(word for line in _SUFFIXES for word in line.split())
"""Words of a company name that say nothing about which company it is."""
