"""A project on the disk: manifest, masks, journal, versions of weights."""
