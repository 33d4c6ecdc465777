"""The terminal dashboard: ``state`` folds events, ``view`` draws a state, ``app`` loops."""
