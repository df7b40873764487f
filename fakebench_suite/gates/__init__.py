"""Evaluate gates over the scores of a run, and over a baseline run where there is one."""
