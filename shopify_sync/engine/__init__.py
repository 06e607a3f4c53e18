"""The algorithm: pull, push, and what to do when both sides changed. Pure: no HTTP, no SQL, no entity by name."""
