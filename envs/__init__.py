"""Gymnasium environments: LIBERO and the UR5."""
