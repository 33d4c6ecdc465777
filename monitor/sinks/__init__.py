"""Where events go besides the dashboard and the wire: WFDB annotations, text lines."""
