"""Run from a checkout: train, evaluate, measure."""
