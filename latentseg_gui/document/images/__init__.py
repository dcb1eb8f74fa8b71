"""The images of a document and what was read of them."""
