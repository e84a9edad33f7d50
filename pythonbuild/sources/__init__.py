"""From a pinned source to a verified file in the cache."""
