"""Steering engines: they carry affine edits into the forward pass of a model."""
