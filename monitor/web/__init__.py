"""The central station: the ward in a browser.

``link`` subscribes to a service and folds what comes into a :class:`~monitor.web.ward.Ward` (pure).
A :class:`~monitor.web.viewer.Viewer` (pure) decides what one browser is sent next. ``app`` and
``server`` are the shell of HTTP around them; ``static/`` holds the page.
"""
