"""What a document is made of: images, records, masks, predictions, prompts. Each is an attribute of it."""
