"""Benchmarks of storlet-shell against its alternatives: ``make bench`` prints one table.

Figures are ratios wherever possible: of the medians of two kinds of runs that took turns on the same server, in the
same session. A figure that misses its target is printed as missed.
"""
