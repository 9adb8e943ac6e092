"""Saving and loading of surrogates."""
