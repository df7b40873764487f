"""The cases: one test per task, run once for every prompt of the data set."""
