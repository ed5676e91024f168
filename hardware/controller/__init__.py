"""A UR controller to try things on: the real one's protocols over a simulated arm."""
