"""Text judges: models that rate texts against a reference, and a similarity baseline."""
