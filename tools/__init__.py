"""What maintainers run: the generated parts of the README, and the locked requirements."""
