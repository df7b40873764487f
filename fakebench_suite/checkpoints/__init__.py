"""Checkpoint directories: their files, fingerprints and settings, and whether they load whole."""
