"""Models: providers, the fallback chain, durable calls, prices and the offline engine."""
