"""What grades: labels read from replies, and texts about probes graded exactly."""
