"""The embedded data set: photographs, and the same photographs with a planted forgery."""
