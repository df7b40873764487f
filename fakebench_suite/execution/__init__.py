"""Work units to a model and back: no module here knows pytest."""
