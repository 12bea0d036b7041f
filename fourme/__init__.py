"""The 4me REST API."""
