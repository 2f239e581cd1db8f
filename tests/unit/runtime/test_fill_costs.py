from datetime import date

import pytest

from momentum_kit.models import CommissionReport
from momentum_kit.runtime.fill_costs import read_fill_costs

EUR = CommissionReport(exec_id="1", commission_usd=2.0, currency="EUR", realized_pnl_usd=0.0)


def read(project, told):
    """The costs of a project."""
    return read_fill_costs(project, "tiered", lambda kind, text: told.append((kind, text)))


def test_a_project_without_a_table_uses_the_shipped_one(tmp_path):
    """Costs can be estimated from the first session on, and nobody is told anything."""
    told = []
    costs = read(tmp_path, told)
    assert costs.table is not None
    assert (costs.plan, told) == ("tiered", [])


def test_the_projects_own_table_is_used(tmp_path):
    """Its rates are those that somebody entered."""
    (tmp_path / "config").mkdir()
    shipped = read(tmp_path, []).table
    text = (
        shipped.model_dump_json(exclude={"fx"})[:-1]
        + ', "fx": [{"since": "2026-01-01", "currency": "EUR", "usd": 1.5}]}'
    )
    (tmp_path / "config" / "costs.yaml").write_text(text)
    assert read(tmp_path, []).of_report(EUR, date(2026, 11, 20)) == (3.0, "converted")


@pytest.mark.parametrize("content", ["- a\n- list\n", "fixed: [", "fixed: []\n", "\x00"])
def test_a_table_that_cannot_be_read_is_told_and_stops_nothing(tmp_path, content):
    """One line names the file; costs that the broker does not report are then unknown."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "costs.yaml").write_text(content)
    told = []
    costs = read(tmp_path, told)
    assert costs.table is None
    ((kind, text),) = told
    assert kind == "costs"
    assert "costs.yaml" in text
    assert "\n" not in text
