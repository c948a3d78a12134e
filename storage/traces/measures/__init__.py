"""What the dashboards ask: one module per topic, one method per question."""
