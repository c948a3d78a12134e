from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.context import services
from tests.servers.collector import CollectorServer
from triage.domain import utc_now
from triage.services import Services
from triage.tracing.otlp.exporter import OtlpExporter
from triage.tracing.otlp.outbox import Outbox
from triage.tracing.otlp.sending import Collector


def _note() -> None:
    from pages.components.export_note import export_note

    export_note()


@pytest.fixture
def exporting(running: Services) -> Iterator[OtlpExporter]:
    """The console with a collector that takes everything."""
    with CollectorServer() as collector:
        exporter = OtlpExporter(Outbox(running.settings.otlp_dir), sender=Collector(collector.url))
        exporter.start()
        running.exporter = exporter
        yield exporter


def _texts(page: AppTest) -> tuple[list[str], list[str]]:
    return [str(one.value) for one in page.caption], [str(one.value) for one in page.warning]


def test_without_a_collector_nothing_is_said(running: Services) -> None:
    assert services().exporter is None
    assert _texts(AppTest.from_function(_note).run()) == ([], [])


def test_it_says_how_many_were_sent_and_what_was_left_out(exporting: OtlpExporter) -> None:
    assert _texts(AppTest.from_function(_note).run()) == (["0 spans sent to the collector."], [])
    exporting._outbox.note(sent=1234, dropped=2, refused=1)
    said = "1,234 spans sent to the collector; 2 given up because too many waited; 1 refused."
    assert _texts(AppTest.from_function(_note).run()) == ([said], [])


def test_it_warns_while_nothing_can_be_sent(exporting: OtlpExporter) -> None:
    exporting._outbox.note(problem="It answered 401.", failing_since=utc_now(), dropped=3)
    captions, (warning,) = _texts(AppTest.from_function(_note).run())
    assert captions == []
    assert "It answered 401" in warning
    assert warning.endswith("They wait and are sent later; 3 given up because too many waited.")
