"""The architectures that weights can belong to, one file each, and one registry."""
