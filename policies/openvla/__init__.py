"""OpenVLA: the published checkpoints on today's transformers, without remote code."""
