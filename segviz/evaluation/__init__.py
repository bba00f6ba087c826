"""How good a method is: evaluation over a data set, rows, results and tables."""
