"""Time and memory of a run, beside baselines."""
