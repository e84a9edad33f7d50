"""Sources: pinned archives are downloaded, verified and kept in the source cache."""
