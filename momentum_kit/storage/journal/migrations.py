"""The shape of our SQLite files, version by version; append only: a released step is never edited."""

JOURNAL_ID = 0x6D6B6A31  # PRAGMA application_id, "mkj1": tells our files from others
INTENTS_ID = 0x6D6B6931

_ROW = "id INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL"
_AT = f"{_ROW}, at TEXT NOT NULL"

JOURNAL: tuple[tuple[str, ...], ...] = (
    (
        f"""CREATE TABLE headlines ({_AT}, story_id TEXT, provider TEXT, article_id TEXT, text TEXT,
            published_at TEXT, received_at TEXT, phase TEXT, outcome TEXT, reason TEXT, symbols TEXT,
            n_tickers INTEGER, catalyst TEXT, catalyst_rule TEXT, parse_ms REAL, resolve_ms REAL)""",
        f"""CREATE TABLE items ({_AT}, item_id TEXT, story_id TEXT, symbol TEXT, con_id INTEGER, catalyst TEXT,
            sentiment REAL, confidence REAL, reading TEXT)""",
        f"""CREATE TABLE decisions ({_AT}, item_id TEXT, story_id TEXT, symbol TEXT, con_id INTEGER,
            decided_at TEXT, verdict TEXT, reason TEXT, detail TEXT, final INTEGER, price REAL, features TEXT,
            rules TEXT, features_ms REAL, rules_ms REAL)""",
        f"""CREATE TABLE risk ({_AT}, item_id TEXT, story_id TEXT, symbol TEXT, con_id INTEGER, verdict TEXT,
            reason TEXT, quantity TEXT, limits TEXT)""",
        f"""CREATE TABLE orders ({_AT}, intent_id TEXT, item_id TEXT, order_id INTEGER, leg TEXT, symbol TEXT,
            con_id INTEGER, action TEXT, order_type TEXT, quantity TEXT, limit_price REAL, stop_price REAL,
            tif TEXT, change TEXT, decide_to_sent_ms REAL)""",
        f"""CREATE TABLE order_updates ({_AT}, order_id INTEGER, perm_id INTEGER, status TEXT, filled TEXT,
            remaining TEXT, avg_fill_price REAL, why_held TEXT)""",
        f"CREATE TABLE notices ({_AT}, order_id INTEGER, code INTEGER, text TEXT, meaning TEXT, advice TEXT)",
        f"""CREATE TABLE executions ({_AT}, exec_id TEXT, order_id INTEGER, perm_id INTEGER, order_ref TEXT,
            symbol TEXT, con_id INTEGER, side TEXT, shares TEXT, price REAL, time TEXT, exchange TEXT,
            liquidation INTEGER)""",
        f"CREATE TABLE commissions ({_AT}, exec_id TEXT, commission_usd REAL, realized_pnl_usd REAL)",
        f"CREATE TABLE exits ({_AT}, con_id INTEGER, symbol TEXT, reason TEXT)",
        f"""CREATE TABLE round_trips ({_AT}, item_id TEXT, symbol TEXT, con_id INTEGER, opened_at TEXT,
            closed_at TEXT, quantity TEXT, entry_price REAL, exit_price REAL, gross_usd REAL, costs_usd REAL,
            net_usd REAL, reason TEXT, r REAL)""",
        f"CREATE TABLE equity ({_AT}, realised_usd REAL, unrealised_usd REAL, costs_usd REAL)",
        f"CREATE TABLE marks ({_AT}, con_id INTEGER, symbol TEXT, price REAL, bid REAL, ask REAL)",
        f"CREATE TABLE commands ({_AT}, command TEXT, source TEXT, outcome TEXT)",
        f"CREATE TABLE incidents ({_AT}, kind TEXT, text TEXT)",
        f"CREATE TABLE meta ({_ROW}, key TEXT NOT NULL, value TEXT)",
        "CREATE INDEX decisions_by_item ON decisions (item_id)",
        "CREATE INDEX headlines_by_story ON headlines (story_id)",
        "CREATE INDEX orders_by_item ON orders (item_id)",
    ),
    (  # whose word a cost is
        "ALTER TABLE commissions ADD COLUMN amount REAL",
        "ALTER TABLE commissions ADD COLUMN currency TEXT",
        "ALTER TABLE commissions ADD COLUMN basis TEXT",
        "ALTER TABLE round_trips ADD COLUMN costs_basis TEXT",
        "ALTER TABLE round_trips ADD COLUMN estimated_usd REAL",
    ),
    (
        f"""CREATE TABLE articles ({_AT}, story_id TEXT, provider TEXT, article_id TEXT, outcome TEXT, reason TEXT,
            kind TEXT, chars INTEGER, fetch_ms REAL, dilution TEXT, symbols TEXT, content TEXT)""",
        "CREATE INDEX articles_by_story ON articles (story_id)",
    ),
    (  # what decided a headline's catalyst, and which way it points
        "ALTER TABLE headlines ADD COLUMN catalyst_words TEXT",
        "ALTER TABLE headlines ADD COLUMN about TEXT",
        "ALTER TABLE headlines ADD COLUMN direction TEXT",
        "ALTER TABLE headlines ADD COLUMN certainty TEXT",
        "ALTER TABLE headlines ADD COLUMN amount_usd REAL",
    ),
    (  # why a headline named nobody that could be bought
        "ALTER TABLE headlines ADD COLUMN detail TEXT",
    ),
    (  # until when the broker holds it
        "ALTER TABLE orders ADD COLUMN good_after TEXT",
    ),
    (  # what the broker asks for a symbol, and whether it lets us buy it
        f"""CREATE TABLE margins ({_AT}, symbol TEXT, con_id INTEGER, quantity TEXT, limit_price REAL, margin REAL,
            currency TEXT, rate REAL, verdict TEXT, words TEXT)""",
    ),
    (  # how far below the market a stop follows
        "ALTER TABLE orders ADD COLUMN trailing_usd REAL",
    ),
)

INTENTS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE intents (intent_id TEXT PRIMARY KEY, wall_ns INTEGER NOT NULL, kind TEXT NOT NULL,
            item_id TEXT NOT NULL, contract TEXT NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL,
            quantity TEXT NOT NULL, limit_price REAL, target_price REAL, stop_price REAL, risk_usd REAL NOT NULL,
            created_at TEXT NOT NULL, state TEXT NOT NULL, entry_order_id INTEGER NOT NULL,
            target_order_id INTEGER NOT NULL, stop_order_id INTEGER NOT NULL, reason TEXT NOT NULL)
            WITHOUT ROWID""",
        "CREATE INDEX unresolved ON intents (state, created_at)",
    ),
    (
        """CREATE TABLE executions (exec_id TEXT PRIMARY KEY, wall_ns INTEGER NOT NULL, order_ref TEXT NOT NULL,
            order_id INTEGER NOT NULL, perm_id INTEGER NOT NULL, client_id INTEGER NOT NULL, contract TEXT NOT NULL,
            account TEXT NOT NULL, side TEXT NOT NULL, shares TEXT NOT NULL, price REAL NOT NULL, time TEXT NOT NULL,
            exchange TEXT NOT NULL, cumulative_shares TEXT NOT NULL, average_price REAL, liquidation INTEGER NOT NULL,
            received_at TEXT NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX executions_by_ref ON executions (order_ref)",
    ),
    (  # of the leg that sells at its hour
        "ALTER TABLE intents ADD COLUMN timed_order_id INTEGER NOT NULL DEFAULT 0",
    ),
    (  # what bought the shares that an intent sells
        "ALTER TABLE intents ADD COLUMN entry_id TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX intents_by_entry ON intents (entry_id)",
    ),
    (  # how far below the market its stop follows
        "ALTER TABLE intents ADD COLUMN trail_usd REAL",
    ),
)
