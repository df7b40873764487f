"""The only part that imports pytest: one module per feature."""
