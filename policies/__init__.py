"""Policies: one room each, and the engines that steer them."""
