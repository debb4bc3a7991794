"""A module for each command: what it takes, and how its results are printed."""
