"""Records -> scores, with intervals."""
