"""Images in, masks out, projects: everything that touches the disk. No Qt and no torch."""
