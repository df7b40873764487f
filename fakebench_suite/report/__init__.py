"""Run -> files."""
