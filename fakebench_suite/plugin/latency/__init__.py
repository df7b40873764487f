"""``--latency``: how fast a model answers, measured with pytest-benchmark."""
