"""What a step does: one module for each operation, and what they share."""
