"""The switches that are set."""

from __future__ import annotations

import builtins

import sqlalchemy as sa

from storage.records.base import Store, upsert
from storage.records.prepared import Prepared
from storage.records.schema_control import switches
from triage.domain import Switch

_BY_NAME = Prepared(sa.select(switches).where(switches.c.name == sa.bindparam("name")))
_LIST = Prepared(sa.select(switches).order_by(switches.c.set_at, switches.c.name))
_REMOVE = sa.delete(switches).where(switches.c.name == sa.bindparam("name"))


class SwitchStore(Store[Switch]):
    """The switches, by name; one that is not here is off."""

    table = switches
    value = Switch
    noun = "switch"

    def put(self, switch: Switch) -> None:
        """Keep a switch, in place of the one with its name."""
        upsert(switches, self.connection.dialect.name).run(self.connection, self._row(switch))

    def remove(self, name: str) -> None:
        """Remove a switch if it is set."""
        self.connection.execute(_REMOVE, {"name": name})

    def find(self, name: str) -> Switch | None:
        """Return the switch with this name if it is set, or None."""
        return self._one(_BY_NAME, {"name": name})

    def list(self) -> builtins.list[Switch]:
        """Return the switches that are set, the one that is set longest first."""
        return self._all(_LIST)
