"""Sign-ins, so that one that was ended stays ended and each is entered into the audit log once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.records.base import Store, insert_once
from storage.records.columns import UtcTime
from storage.records.schema_access import sign_ins
from triage.domain import SignIn, SignInState

# Longer than a browser keeps the cookie of a sign-in: until then it can come back.
_KEPT = timedelta(days=32)
_REMOVE_OLD = sa.delete(sign_ins).where(
    sign_ins.c.began_at < sa.bindparam("before", type_=UtcTime),
    sign_ins.c.ends_at < sa.bindparam("before", type_=UtcTime),
)
_SET_STATE = (
    sa.update(sign_ins)
    .where(
        sign_ins.c.id == sa.bindparam("the_id"),
        sign_ins.c.state != SignInState.ENDED,
        sign_ins.c.state != sa.bindparam("new_state"),
    )
    .values(state=sa.bindparam("new_state"), changed_at=sa.bindparam("at", type_=UtcTime))
)


class SignInStore(Store[SignIn]):
    """The sign-ins of the last weeks."""

    table = sign_ins
    value = SignIn
    noun = "sign-in"

    def add(self, sign_in: SignIn) -> bool:
        """Keep a sign-in unless it is kept already; return whether it was new. Very old ones go."""
        row: dict[str, Any] = self._row(sign_in)
        statement = insert_once(sign_ins, ("id",), self.connection.dialect.name)
        is_new = statement.run(self.connection, row) == 1
        if is_new:
            self.connection.execute(_REMOVE_OLD, {"before": sign_in.changed_at - _KEPT})
        return is_new

    def set_state(self, id: str, state: SignInState, *, at: datetime) -> bool:  # noqa: A002 - the column's name
        """Change the state, unless it is the same or the sign-in was ended; return whether it was changed."""
        given = {"the_id": id, "new_state": state.value, "at": at}
        return self.connection.execute(_SET_STATE, given).rowcount == 1
