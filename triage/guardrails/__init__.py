"""What people do about guardrails: say whether a trip was right, and let a blocked message run."""
