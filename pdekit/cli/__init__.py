"""The command line: one verb a file, no numerics. Results go to stdout, progress and prose to stderr."""
