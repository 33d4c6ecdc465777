"""The networks, the bundle format, and the shipped weights."""
