"""Reading and writing files that somebody else may have made."""
