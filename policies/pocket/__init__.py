"""Pocket: a small VLA of OpenVLA's anatomy, trained on scripted demonstrations, that ships."""
