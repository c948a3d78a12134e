"""Orders of a company's own database: PostgreSQL and SQLite, looked up by its names, never written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.orders_source import MAX_ORDERS, OrderDatabase
from triage.connectors.layout import read_layout
from triage.domain import OrderStatus
from triage.errors import OutsideUnavailable, SettingsError

SECRET = "hunter2"
ALICE = "alice@example.com"
SAMPLE = """
create table orders (
  id {id}, customer_email varchar(200), product text, quantity integer, total numeric(10, 2), status text,
  tracking_number text
);
insert into orders values (1, 'alice@example.com', 'Keyboard', 1, 79.99, 'shipped', 'FNL-1');
insert into orders values (2, 'Alice@Example.com', 'Hub', 2, 69.98, 'delivered', null);
insert into orders values (3, 'bob@example.com', 'Mat', 1, 54.50, 'processing', null);
"""


def run_sql(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database of the company."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop 100%?.db'}".replace("%", "%25").replace("?", "%3F")
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def sample(shop: str) -> str:
    """The columns of the sample, with numbers as ids."""
    run_sql(shop, *(part for part in SAMPLE.format(id="integer primary key").split(";\n") if part.strip()))
    return shop


@pytest.fixture
def opened() -> Iterator[Any]:
    made: list[OrderDatabase] = []

    def open_(url: str, layout: str | None = None, **given: Any) -> OrderDatabase:
        made.append(OrderDatabase(url, layout=read_layout(layout), **given))
        return made[-1]

    yield open_
    for each in made:
        each.close()


def test_the_columns_of_the_sample_need_no_map(sample: str, opened: Any) -> None:
    found = opened(sample).find("2")
    assert (found.id, found.product, found.quantity, found.total_usd) == ("2", "Hub", 2, Decimal("69.98"))
    assert (found.status, found.tracking_number, found.created_at) == (OrderStatus.DELIVERED, None, None)
    assert [order.id for order in opened(sample).list_by_email(" ALICE@example.com")] == ["2", "1"]
    assert opened(sample).list_by_email("nobody@example.com") == []
    assert opened(sample).check() == "Orders can be read from the shop's database."


@pytest.mark.parametrize(
    "order_id", ["9", "x", "", "1 or 1=1", "1'; drop table orders; --", "9" * 40, "1\x00", "\ud83d", "é"]
)
def test_what_is_no_id_there_finds_nothing_and_does_nothing(sample: str, opened: Any, order_id: str) -> None:
    database = opened(sample)
    assert database.find(order_id) is None
    assert database.find("1") is not None


@pytest.mark.parametrize("email", ["' or ''='", "%", "alice%", "a\x00@b.c", "\ud83d@example.com"])
def test_an_address_is_only_compared(sample: str, opened: Any, email: str) -> None:
    assert opened(sample).list_by_email(email) == []


def test_other_names_and_words(shop: str, opened: Any) -> None:
    run_sql(
        shop,
        'create table "Sales" ("Order No" text, no text, "EMail" text, item text, pieces integer, sum double precision,'
        " state text, ordered date, arrived timestamp)",
        "insert into \"Sales\" values (null, 'A-1', 'alice@example.com', 'Hub', 1, 34.99, 'In Transit', '2026-03-01',"
        " '2026-03-04 05:06:07')",
    )
    layout = (
        "table=Sales, id=no, customer_email=EMail, product=item, quantity=pieces, total=sum, status=state,"
        " tracking_number=-, created_at=ordered, delivered_at=arrived, status.in transit=shipped"
    )
    found = opened(shop, layout).find("A-1")
    assert (found.total_usd, found.status) == (Decimal("34.99"), OrderStatus.SHIPPED)
    assert found.created_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert found.delivered_at == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_a_schema_can_be_named(empty_postgres_url: str, opened: Any) -> None:
    statements = (
        SAMPLE.format(id="text").replace("table orders", "table shop.orders").replace("into orders", "into shop.orders")
    )
    run_sql(empty_postgres_url, "create schema shop", *(part for part in statements.split(";\n") if part.strip()))
    assert opened(empty_postgres_url, "table=shop.orders").find("1") is not None


def test_nothing_can_be_written(sample: str, opened: Any) -> None:
    database = opened(sample)
    with pytest.raises(OutsideUnavailable), database._look() as connection:
        connection.exec_driver_sql("update orders set status = 'refunded'")
    assert database.find("2").status is OrderStatus.DELIVERED


def test_a_look_that_takes_too_long_is_ended(sample: str, opened: Any) -> None:
    database = opened(sample, timeout_s=0.1)
    endless = (
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000) select count(*) from n"
    )
    with pytest.raises(OutsideUnavailable, match="cannot be read now"), database._look() as connection:
        connection.exec_driver_sql(endless)
    assert opened(sample).find("1") is not None


def test_somebody_who_writes_there_is_not_in_the_way(sample: str, opened: Any) -> None:
    database = opened(sample)
    engine = sa.create_engine(sample)
    with engine.begin() as writing:
        writing.exec_driver_sql("update orders set product = 'New' where id = 1")
        assert database.find("3") is not None
    engine.dispose()


def test_a_wrong_column_is_an_error_and_no_text(sample: str, opened: Any) -> None:
    """SQLite takes an unknown name in quotes for a text, unless it is asked as a column of the table."""
    with pytest.raises(OutsideUnavailable):
        opened(sample, "customer_email=emial").list_by_email("emial")
    with pytest.raises(OutsideUnavailable):
        opened(sample, "table=order").check()


def test_an_unknown_status_is_named_by_the_check(sample: str, opened: Any) -> None:
    run_sql(sample, "insert into orders values (4, 'alice@example.com', 'Lamp', 1, 5, 'In Transit', null)")
    with pytest.raises(OutsideUnavailable, match="In Transit"):
        opened(sample).check()
    with pytest.raises(OutsideUnavailable, match="status there that the desk does not know"):
        opened(sample).find("4")
    assert opened(sample, "status.in transit=shipped").check()


def test_a_customer_with_many_orders_gets_the_last_ones(sample: str, opened: Any) -> None:
    rows = ", ".join(f"({number}, 'many@example.com', 'Hub', 1, 1, 'shipped', null)" for number in range(100, 200))
    run_sql(sample, f"insert into orders values {rows}")
    found = opened(sample).list_by_email("many@example.com")
    assert len(found) == MAX_ORDERS
    assert found[0].id == "199"


def test_a_database_that_is_away_is_a_sentence_without_secrets(
    tmp_path: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = [
        f"postgresql+psycopg://shop:{SECRET}@127.0.0.1:1/shop",
        f"sqlite:///{tmp_path / 'not there' / SECRET}.db",
    ]
    for url in urls:
        with pytest.raises(OutsideUnavailable) as away:
            opened(url).find("1")
        assert str(away.value) == "The shop's database of orders cannot be read now (OperationalError)."
        assert away.value.__suppress_context__
    assert not (tmp_path / "not there").exists()
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize("url", ["", "shop", f"mysql://u:{SECRET}@h/d", "sqlite://", "oracle+none://x"])
def test_an_address_that_cannot_be_used_is_named_by_its_setting(url: str, opened: Any) -> None:
    with pytest.raises(SettingsError, match="TRIAGE_ORDERS_URL") as wrong:
        opened(url)
    assert SECRET not in str(wrong.value)


def test_many_look_at_once(sample: str, opened: Any) -> None:
    database, found = opened(sample), []
    threads = [threading.Thread(target=lambda: found.append(database.find("1"))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 30
