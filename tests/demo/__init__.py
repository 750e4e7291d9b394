"""`make demo`: the whole way of the data on one machine, with real programs and real traffic."""
