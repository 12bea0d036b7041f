"""Relay's metadata service: input documents, expressions, outputs and decorators."""
