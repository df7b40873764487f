"""Reading and writing files that other programs or people may have created."""
