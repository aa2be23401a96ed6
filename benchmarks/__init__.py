"""What storlet-shell costs, held against what it stands on: ``make bench`` prints one table.

Every figure that can be a ratio is one: the medians of two kinds of runs that took turns on the same server, in the
same run. A figure that misses its target is printed as missed.
"""
