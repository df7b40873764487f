"""Checkpoints that transformers loads, in this process."""

from fakebench_suite.checkpoints.openmp_wait_policy import wait_without_spinning

wait_without_spinning()  # Torch, which every module here imports, reads the setting when it loads.
