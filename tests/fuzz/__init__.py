"""Broken inputs by the thousand, over every file that the suite reads."""
