"""Scores (and a baseline run) -> rulings."""
