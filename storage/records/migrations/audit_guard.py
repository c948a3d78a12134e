"""What makes the database itself refuse to change the audit log; the statements are of the migration that makes it."""

from __future__ import annotations

_SQLITE = (
    """
    create trigger audit_log_refuses_update before update on audit_log
    begin select raise(abort, 'the audit log only grows, a line cannot be changed'); end
    """,
    """
    create trigger audit_log_refuses_delete before delete on audit_log
    begin select raise(abort, 'the audit log only grows, a line cannot be removed'); end
    """,
    # Also against "insert or replace", which removes the line before without asking the trigger above.
    """
    create trigger audit_log_grows_at_its_end before insert on audit_log
    when new.seq <> (select coalesce(max(seq), 0) + 1 from audit_log)
    begin select raise(abort, 'the audit log only grows, at its end'); end
    """,
)
_POSTGRESQL = (
    """
    create function audit_log_refuse() returns trigger language plpgsql as $$
    begin raise exception 'the audit log only grows, a line cannot be changed or removed'; end $$
    """,
    """
    create trigger audit_log_refuses_change before update or delete or truncate on audit_log
    for each statement execute function audit_log_refuse()
    """,
    """
    create function audit_log_refuse_gap() returns trigger language plpgsql as $$
    begin
        if new.seq <> (select coalesce(max(seq), 0) + 1 from audit_log) then
            raise exception 'the audit log only grows, at its end';
        end if;
        return new;
    end $$
    """,
    """
    create trigger audit_log_grows_at_its_end before insert on audit_log
    for each row execute function audit_log_refuse_gap()
    """,
)


def guard_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements that set up the guard on a database."""
    return _SQLITE if dialect == "sqlite" else _POSTGRESQL
