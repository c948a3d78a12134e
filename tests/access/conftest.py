"""The product on an empty data folder, opened once for a module: what is asked here starts no agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from triage.domain import Actor, Role
from triage.services import Services, open_services
from triage.settings import Settings

OTHER_TEAM = "billing"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services that only hand work over, so that nothing works on what the tests put there."""
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("access") / "data", sample_records=False)
    opened = open_services(settings, kind="test", own=False)
    yield opened
    opened.close()


@pytest.fixture
def admin() -> Actor:
    return Actor(name="ada", role=Role.ADMIN)


@pytest.fixture
def people_file(tmp_path: Path) -> Path:
    return tmp_path / "people.toml"
