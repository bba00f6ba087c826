"""Background work: the queue, runs and evaluations in it, loaded networks, run history."""
