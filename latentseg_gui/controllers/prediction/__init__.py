"""Predictions of the model and answers to clicks."""
