"""Checkpoints that transformers loads, in this process."""
