"""Where cases come from: the official files, JSON lines, the embedded probes, other packages."""

from fakebench_suite.datasets.registry import DataSource, open_dataset, parse_data

__all__ = ["DataSource", "open_dataset", "parse_data"]
