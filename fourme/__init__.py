"""What speaks to 4me."""
