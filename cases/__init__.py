"""The cases: one test function per task, parametrized over all prompts of the data set."""
