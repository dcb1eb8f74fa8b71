"""From an image and clicks to masks, class maps and attention, on any device, within memory."""
