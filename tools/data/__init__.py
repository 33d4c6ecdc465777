"""Recordings, and the beats, noise and rhythms made from them, for training and measuring."""
