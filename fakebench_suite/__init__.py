"""A pytest-based conformance suite for FakeBench (arXiv 2404.13306)."""

__version__ = "0.1.0"
