"""``python -m fakebench_suite`` is ``fakebench``."""

from fakebench_suite.cli.startup import start

if __name__ == "__main__":
    start()
