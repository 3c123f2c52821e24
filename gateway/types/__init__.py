"""The public types, one noun a file; each is made of the columns of its table."""
