"""Grading: from a reply to a verdict, by parsed labels, exact texts or a text judge."""
