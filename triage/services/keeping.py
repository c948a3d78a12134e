"""Opens what the work on kept data needs: retention, erasing, export, backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.records import Records
from triage.data_care.retention import Retention
from triage.keys import signing_key
from triage.ownership import DataFolder
from triage.services.client import open_records, shared_place
from triage.settings import Settings

if TYPE_CHECKING:
    from storage.traces.store import TraceStore
    from triage.data_care.holdings import Holdings
    from triage.data_care.keeper import DataKeeper
    from triage.tracing.incoming.inbox import Inbox
    from triage.tracing.processor import SpoolingProcessor


def holdings(
    settings: Settings,
    records: Records,
    *,
    traces: TraceStore,
    processor: SpoolingProcessor,
    inbox: Inbox,
    sync: Callable[[], None] = lambda: None,
    **working: Any,
) -> Holdings:
    """Return what the keeper of the data folder works on; ``sync`` tells the trace store how the runs are."""
    from storage.records.database_file import DatabaseFile, database_path  # noqa: PLC0415 - see owner.py
    from storage.traces.care import TraceCare  # noqa: PLC0415
    from triage.data_care.holdings import Holdings  # noqa: PLC0415

    def settle() -> bool:
        sync()
        try:
            return inbox.take_in() and processor.drain()
        except OSError:
            # A file of another program that cannot be read.
            return False

    path = database_path(records.engine)
    return Holdings(
        folder=settings.data_dir.resolve(),
        records=records,
        records_file=None if path is None else DatabaseFile(path),
        traces=TraceCare(traces),
        key=signing_key(settings),
        place=shared_place(settings),
        settle=settle,
        **working,
    )


@contextmanager
def open_keeper(settings: Settings) -> Iterator[DataKeeper]:
    """Own the data folder for the length of the block, for the work on what is kept only: no agent runs meanwhile.

    Raises:
        DataFolderError: the folder cannot be used, or another process owns it.
    """
    from storage.traces.store import TraceStore  # noqa: PLC0415 - see owner.py
    from triage.data_care.keeper import DataKeeper  # noqa: PLC0415
    from triage.tracing.incoming.inbox import Inbox  # noqa: PLC0415
    from triage.tracing.processor import SpoolingProcessor  # noqa: PLC0415

    folder = DataFolder(settings.data_dir)
    folder.prepare()
    folder.own("command line")
    with ExitStack() as open_parts:
        open_parts.callback(folder.release)
        records = open_records(settings)
        open_parts.callback(records.close)
        traces = TraceStore.open(settings.traces_path)
        open_parts.callback(traces.close)
        processor = SpoolingProcessor(settings.spool_dir, sink=traces, content=settings.trace_content)
        open_parts.callback(processor.shutdown)
        inbox = Inbox(settings.inbox_dir, write=processor.write_lines, content=settings.trace_content)
        held = holdings(settings, records, traces=traces, processor=processor, inbox=inbox)
        yield DataKeeper(held, keep=Retention.of(settings))


def restore(settings: Settings, file: Path) -> dict[str, Any]:
    """Bring a backup back into the data folder of the settings, which must be empty.

    Raises:
        InvalidInput: the folder is not empty, or the file cannot be used.
        DataFolderError: the folder cannot be written.
    """
    from storage.records.migrate import HEAD  # noqa: PLC0415
    from triage.data_care.backup import restore_backup  # noqa: PLC0415

    return restore_backup(file, settings.data_dir, newest_version=HEAD)
