"""The figures of the dashboards: what the trace store counts, and what people decided and corrected."""
