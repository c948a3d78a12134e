"""One served desk for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.api.served import Desk, folder_of, served
from triage.domain import Role
from triage.llm.offline import OfflineModel
from triage.settings import Settings


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk whose offline engine answers at once, on settings that nothing outside of the tests changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OfflineModel.__init__.__kwdefaults__, "words_per_second", None)  # type: ignore[arg-type]
        settings = Settings(_env_file=None, data_dir=folder_of(tmp_path_factory))  # type: ignore[call-arg]
        with served(settings) as opened:
            yield opened


@pytest.fixture(scope="module")
def helpdesk(desk: Desk) -> Iterator[httpx2.Client]:
    """A program that submits."""
    with desk.client("helpdesk") as client:
        yield client


@pytest.fixture(scope="module")
def reviews(desk: Desk) -> Iterator[httpx2.Client]:
    """A program that decides."""
    with desk.client("reviews", role=Role.REVIEWER) as client:
        yield client


@pytest.fixture(scope="module")
def monitor(desk: Desk) -> Iterator[httpx2.Client]:
    """A program that reads figures and sees all teams."""
    with desk.client("monitor", role=Role.MANAGER) as client:
        yield client
