"""The commands: ``fakebench NAME``."""
