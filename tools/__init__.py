"""What maintainers run: documentation, locked requirements, checks of manifests, the image."""
