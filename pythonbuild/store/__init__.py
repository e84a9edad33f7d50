"""The artifact store: results of steps by key, trees of files by the digest of their content."""
