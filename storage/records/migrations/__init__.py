"""The migrations of the records, run by ``storage.records.migrate``."""
