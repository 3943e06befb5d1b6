"""What a keystroke costs the parser, by language; types lines of a large file at random places.

    python benchmarks/keystroke.py [FILE ...] [--lines 10000] [--places 40] [--seed 1] [--json]

The files of a language are joined, and repeated, up to so many lines. Without files, Python's own library
is taken, and for the other languages what stands beside this script in `typed/`. A place is a line, with
the next two: they are taken away and typed again, one character after the other, nothing being closed
automatically; so most states have a bracket, a quote or a statement open.
"""
