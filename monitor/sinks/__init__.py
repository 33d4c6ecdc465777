"""Where events go: files and text lines."""
