"""Composition: what stands behind each port, in which process, and how it ends."""
