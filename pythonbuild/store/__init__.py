"""The artifact store: results by key, trees by the digest of their content."""
