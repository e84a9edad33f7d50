"""Judge an archive by what is really in it."""
