"""From a distribution's tree to archives, the same bytes for the same tree."""
