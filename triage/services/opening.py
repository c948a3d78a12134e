"""Opens the services of a data folder, as its owner or to hand work over."""

from __future__ import annotations

import gc

from triage.ownership import DataFolder
from triage.services.bundle import Services
from triage.services.client import build_client, order_database
from triage.settings import Settings


def open_services(settings: Settings, *, kind: str, own: bool | None = True) -> Services:
    """Open the data folder and build the services.

    ``own`` True needs to own the folder, False only hands work over, None owns it when nobody else does.

    Raises:
        DataFolderError: the folder cannot be used, or another process owns it.
        SettingsError: a setting is wrong.
    """
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    is_owner = False
    if own:
        folder.own(kind)
        is_owner = True
    elif own is None:
        is_owner = folder.try_own(kind)
    try:
        if not is_owner:
            return build_client(settings, folder)
        # The SDK takes a second or two to import, and a command that only hands work over does without it.
        from triage.services.owner import build_owner  # noqa: PLC0415

        return build_owner(settings, folder)
    except BaseException:
        folder.release()
        raise


def settle_in() -> None:
    """Spare what a process that serves for long has loaded from garbage collection.

    A full collection looks at some 350,000 objects of libraries and stops every thread for 0.2 s each time.
    """
    gc.collect()
    gc.freeze()


def check_orders(settings: Settings) -> str:
    """Say where orders are looked up.

    Raises:
        OutsideUnavailable: the database that the settings name does not answer, or not as they say.
        SettingsError: its URL cannot be used.
    """
    database = order_database(settings)
    if database is None:
        return "Orders are in the records."
    try:
        return database.check()
    finally:
        database.close()


def try_traces(settings: Settings) -> bool:
    """Open and close the trace store; False when another process has it open, which is as good.

    Raises:
        DataFolderError: the folder or the store cannot be used.
    """
    from storage.traces.store import TraceStore  # noqa: PLC0415 - see owner.py

    folder = DataFolder(settings.data_dir)
    folder.prepare()
    if not folder.try_own("doctor"):
        return False
    try:
        TraceStore.open(settings.traces_path).close()
    finally:
        folder.release()
    return True
