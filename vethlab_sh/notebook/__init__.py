"""Cells, lessons and controls in Jupyter."""
