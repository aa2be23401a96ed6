"""Upstream's functional tests against the embedded Swift, compared with a stock Swift; ``make conformance``.

The tests come with the source distributions of the installed releases of swift and storlets. Each suite runs against an
embedded Swift of its own, in an environment of its own, and every difference from stock must have a reason.
"""
