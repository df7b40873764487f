"""The probes: photographs, and the same photographs with a forgery planted by the suite."""
