"""The trace store: spans and runs in DuckDB, written in batches and read by dashboards."""
