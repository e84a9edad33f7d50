"""Check archives by their actual contents, and test the Pythons in them."""
