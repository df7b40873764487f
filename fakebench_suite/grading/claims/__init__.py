"""What an explanation claims: which criteria it calls violated or intact, and where."""
