"""Tasks: the 14 criteria, the wording of prompts, and the subgroups of cases."""
