"""The demo: one policy steered in several ways, measured, filmed, and reported."""
