"""Checkpoints answered by vLLM in this process, thousands of prompts at a time."""
