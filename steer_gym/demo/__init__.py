"""The demo: one policy steered in several ways, measured, filmed, and told on one page."""
