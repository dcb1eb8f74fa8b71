"""The latent-expert network and its parts: encoder, experts, heads, click decoder."""
