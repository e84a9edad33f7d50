"""Container images of a Python, in the image layout of the Open Container Initiative."""
