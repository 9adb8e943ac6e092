"""The only package that knows everything."""
