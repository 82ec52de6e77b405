"""The in-cluster process: settings, work queue, HTTP, metrics and wiring."""
