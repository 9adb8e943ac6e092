"""Surrogates ready to use."""
