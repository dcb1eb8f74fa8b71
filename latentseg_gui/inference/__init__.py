"""The only package of the window that reaches the model, and only inside its child processes."""
