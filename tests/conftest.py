"""Settings of the suite's own tests."""

from hypothesis import settings

# A loaded machine is no reason to fail: time limits belong to benchmarks.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
