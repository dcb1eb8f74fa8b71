"""How the shipped weights were made: cache, crops, simulated clicks, loop. Start with `model.pretraining.__main__`."""
