"""One folder per service. Services know the mesh and the contracts, and never each other."""
