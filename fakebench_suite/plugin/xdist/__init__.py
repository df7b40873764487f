"""What pytest-xdist is told: the scheduler, and what workers and controller tell each other."""
