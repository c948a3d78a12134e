"""A backup of the whole data folder in one file, made while it is in use, and brought back into an empty folder.

The records come first and the traces after them: whatever a run of the copied records has done is in the copied traces,
and a restored run that goes on leaves out what is there already.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from triage.data_care.holdings import Holdings, Receipt
from triage.domain import utc_now
from triage.errors import DataFolderError, InvalidInput

FORMAT = 1
MANIFEST = "manifest.json"
RECORDS = "triage.db"
TRACES = "traces.duckdb"
KEY = "secret.key"
# Lines that could not be read and archives of traces are data, too; locks, journals and indexes are not.
_FOLDERS = ("spool/rejected", "inbox/rejected", "exports")
_BLOCK = 1024 * 1024
ELSEWHERE = (
    "The records are in PostgreSQL, which a backup here would miss. Back them up with pg_dump, and stop the console to"
    " copy its data folder, which has the traces and the key."
)
"""What is said where the records are no file of the data folder."""


def make_backup(holdings: Holdings, target: Path) -> Receipt:
    """Copy the data folder into the file ``target``; return what is in it.

    Raises:
        InvalidInput: there is a file of this name, or the records are in another database.
        DataFolderError: the copy cannot be written.
    """
    if holdings.records_file is None:
        raise InvalidInput(ELSEWHERE)
    if target.exists():
        raise InvalidInput(f"There is a file {target} already; name another one.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as name:
            folder = Path(name)
            holdings.records_file.copy_to(folder / RECORDS)
            if not holdings.settle():
                raise DataFolderError("The trace store cannot take in what waits for it now; try it again later.")
            holdings.traces.copy_to(folder / TRACES)
            names = {RECORDS: folder / RECORDS, TRACES: folder / TRACES, **_others(holdings.folder)}
            manifest: dict[str, Any] = {
                "format": FORMAT,
                "made_at": utc_now().isoformat(timespec="seconds"),
                "records_version": holdings.records_file.version_of(folder / RECORDS),
                "files": {
                    name: {"bytes": path.stat().st_size, "sha256": _digest(path)} for name, path in names.items()
                },
            }
            _write(target, names=names, manifest=manifest)
    except OSError as error:
        raise DataFolderError(f"The backup {target} cannot be written ({error.strerror}).") from error
    return {"file": str(target.resolve()), "bytes": target.stat().st_size, "files": len(manifest["files"])}


def restore_backup(source: Path, folder: Path, *, newest_version: str) -> Receipt:
    """Bring a backup back into an empty or missing data folder; nothing is there unless everything is whole.

    Raises:
        InvalidInput: the folder is not empty, or the file is no backup, damaged, or of a newer build.
        DataFolderError: the folder cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput(f"The folder {folder} is not empty; name an empty one with TRIAGE_DATA_DIR.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restore-") as name, _opened(source) as archive:
            whole = Path(name) / "data"
            whole.mkdir(mode=0o700)
            manifest = _manifest(archive, newest_version=newest_version)
            for path, said in manifest["files"].items():
                _extract(archive, path, folder=whole, said=said)
            if folder.exists():
                folder.rmdir()
            whole.rename(folder)
    except OSError as error:
        raise DataFolderError(f"The folder {folder} cannot be written ({error.strerror}).") from error
    return {"folder": str(folder.resolve()), "files": len(manifest["files"]), "made_at": manifest["made_at"]}


def _others(folder: Path) -> dict[str, Path]:
    """Return the other files of the data folder by their place in it."""
    found = [folder / KEY] if (folder / KEY).exists() else []
    for name in _FOLDERS:
        found += [path for path in sorted((folder / name).rglob("*")) if path.is_file() and path.suffix != ".part"]
    return {path.relative_to(folder).as_posix(): path for path in found}


def _write(target: Path, *, names: dict[str, Path], manifest: dict[str, Any]) -> None:
    part = target.with_name(f"{target.name}.part")
    # It holds what customers wrote, and the key: for its owner only, from its first byte on.
    with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            said = part.with_name(f"{part.name}.json")
            said.write_text(json.dumps(manifest, indent=1))
            archive.add(said, MANIFEST)
            said.unlink()
            for name, path in names.items():
                archive.add(path, name)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        archive = tarfile.open(source)  # noqa: SIM115 - closed below; only opening is guarded
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {source}.") from None
    except (tarfile.TarError, OSError) as error:
        raise _damaged(source.name) from error
    try:
        yield archive
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(source.name) from error
    finally:
        archive.close()


def _manifest(archive: tarfile.TarFile, *, newest_version: str) -> dict[str, Any]:
    name = Path(str(archive.name)).name
    try:
        first = archive.next()
        file = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
        manifest: dict[str, Any] = json.loads(file.read()) if file else {}
        is_newer = manifest["format"] > FORMAT or manifest["records_version"] > newest_version
        paths = [Path(path) for path in manifest["files"]]
    except (ValueError, KeyError, TypeError, tarfile.TarError) as error:
        raise _damaged(name) from error
    if is_newer:
        raise InvalidInput(f"{name} was made by a newer version of this program; restore it there.")
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise _damaged(name)
    return manifest


def _extract(archive: tarfile.TarFile, path: str, *, folder: Path, said: dict[str, Any]) -> None:
    """Write one file of the archive and compare it with what the manifest says of it."""
    name = Path(str(archive.name)).name
    try:
        file = archive.extractfile(path)
    except KeyError:
        file = None
    if file is None:
        raise _damaged(name)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as copy:
        while block := file.read(_BLOCK):
            copy.write(block)
    if target.stat().st_size != said["bytes"] or _digest(target) != said["sha256"]:
        raise _damaged(name)


def _damaged(name: str) -> InvalidInput:
    return InvalidInput(f"{name} is no whole backup: a part of it is missing or was altered. Nothing was restored.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
