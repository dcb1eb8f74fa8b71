"""What lies above the layers: markers, cursor, minimap, colour bar; drawn in logical coordinates."""
