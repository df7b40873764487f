"""Compute the common beginning of all prompts about an image once, and reuse it."""
