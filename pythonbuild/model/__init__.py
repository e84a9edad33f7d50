"""The vocabulary: targets, Python versions, build options, archive names.  Text in, value out, and back."""
