"""LIBERO and LIBERO-PRO as Gymnasium environments."""
