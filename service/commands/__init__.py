"""What an operator types: one module for each command of `graftwatch`.

In:     arguments, the settings, perhaps the database.
Out:    results on standard output, everything else on standard error, an exit code.
Source: docs/operations.md.

Commands import what they need when they run: `graftwatch --help` must not wait for a web
framework and a statistics library to load.
"""
