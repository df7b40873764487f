"""What is asked: the criteria and the wording of prompts."""
