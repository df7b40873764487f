"""Text that models, files and servers wrote."""
