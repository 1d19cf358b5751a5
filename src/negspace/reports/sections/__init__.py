"""Sections that reports get besides their own, one module each; each registers itself in `REPORT_SECTIONS`.

There is none yet: other packages add theirs by entry points.
"""
