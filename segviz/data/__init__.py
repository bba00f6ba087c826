"""Photos, truth masks, classes and data sets: reading, decoding and checking."""
