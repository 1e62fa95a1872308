"""Which plugins exist, in which order they stand, and how their hooks are called safely."""
