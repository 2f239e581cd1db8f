import pandas as pd

from momentum_kit.notebook.html.frames import readable


def test_a_table_reads_like_a_newspaper() -> None:
    """Times are New York's, numbers are rounded, lists are words, and text from outside is escaped."""
    frame = pd.DataFrame(
        {
            "received_at": pd.to_datetime(["2026-11-20T14:33:09Z"]),
            "symbols": [["ABCD", "EFGH"]],
            "price": [12.3456],
            "quantity": [1200.0],
            "text": ["<script>alert(1)</script>"],
            "unseen": [1],
        }
    )
    html = readable(frame, ["received_at", "symbols", "price", "quantity", "text"]).to_html()
    assert "09:33:09" in html
    assert "ABCD, EFGH" in html
    assert ">12.35<" in html
    assert ">1,200<" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "unseen" not in html


def test_an_empty_table_has_its_heads() -> None:
    """A session without a headline shows an empty table, not an error."""
    assert "text" in readable(pd.DataFrame({"text": pd.Series([], dtype="str")}), ["text"]).to_html()
