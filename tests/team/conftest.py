"""Real records with the sample customers, copied for each test, and a desk over them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.records import Records, open_engine
from tests.migrated import migrated
from tests.team.desk import NOW, Desk


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("desk") / "records.db"
    records = Records(open_engine(migrated(path)))
    with records.begin() as stores:
        stores.samples.load(NOW)
    records.close()
    return path.read_bytes()


@pytest.fixture
def records(tmp_path: Path, sample_file: bytes) -> Iterator[Records]:
    path = tmp_path / "records.db"
    path.write_bytes(sample_file)
    opened = Records(open_engine(f"sqlite:///{path}"))
    yield opened
    opened.close()


@pytest.fixture
def desk(records: Records) -> Desk:
    return Desk(records)
