"""Sealing keys over time."""
