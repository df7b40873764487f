"""Replicas of the model on the nodes of a Ray cluster."""
