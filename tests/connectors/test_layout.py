"""The setting that says how orders lie in another database."""

from __future__ import annotations

import pytest

from triage.connectors.layout import read_layout
from triage.domain import OrderStatus
from triage.errors import SettingsError
from triage.settings import load_settings


def test_nothing_said_is_the_sample() -> None:
    layout = read_layout(None)
    assert layout.table == "orders"
    assert set(layout.columns) == {
        "id", "customer_email", "product", "quantity", "total", "status", "tracking_number"
    }  # fmt: skip
    assert all(name == column for name, column in layout.columns.items())


def test_names_and_words_are_read() -> None:
    layout = read_layout(" table = shop.sales , id=order_no,delivered_at=arrived, status.Sent=shipped, ")
    assert (layout.table, layout.columns["id"], layout.columns["delivered_at"]) == ("shop.sales", "order_no", "arrived")
    assert layout.statuses == {"sent": OrderStatus.SHIPPED}


def test_a_shop_without_tracking_says_so() -> None:
    assert "tracking_number" not in read_layout("tracking_number=-").columns


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("table=orders; drop table orders", "no name of a table"),
        ('id="id"', "no name of a table"),
        ("id=a.b", "no name of a table"),
        ("table=a.b.c", "no name of a table"),
        ("id=1d", "no name of a table"),
        ("id=", "write name=value"),
        ("id", "write name=value"),
        ("price=total", "cannot be mapped"),
        ("status.sent=gone", "no status of an order"),
        ("id=-", "no name of a table"),
    ],
)
def test_what_is_no_name_is_refused_with_its_setting(monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    monkeypatch.setenv("TRIAGE_ORDERS_MAP", text)
    with pytest.raises(SettingsError, match="TRIAGE_ORDERS_MAP") as wrong:
        load_settings()
    assert words in str(wrong.value)
