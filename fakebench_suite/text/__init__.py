"""Text of models, files and servers: thinking marks, redaction of secrets, safe display."""
