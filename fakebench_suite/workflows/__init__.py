"""Whole runs: finalized, merged, compared and listed."""
