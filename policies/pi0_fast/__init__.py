"""pi0-FAST: openpi's autoregressive policy, in PyTorch and in JAX, steerable in both."""
