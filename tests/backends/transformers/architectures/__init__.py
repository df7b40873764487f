"""Every shipped card over a tiny checkpoint of its architecture."""
