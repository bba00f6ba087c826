"""Photos, truth and classes: reading, decoding and checking."""
