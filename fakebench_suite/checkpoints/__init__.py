"""What a directory with a checkpoint holds, and whether all of it was loaded."""
