"""Files of weights as the window changes them."""
