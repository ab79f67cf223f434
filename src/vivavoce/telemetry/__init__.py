"""What happens, told in figures: Prometheus metrics, OpenTelemetry traces, a dashboard. Never what was said."""
