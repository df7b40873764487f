"""The commands: ``python -m fakebench_suite NAME``."""
