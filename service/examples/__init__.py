"""Example data: a real trial, a simulated network whose true rates are known, a reported cluster.

In:     package data and a seed; nothing is asked of a clock, a network or a database.
Out:    iterators of events in wire format (docs/api.md), each a plain dict.
Source: see each module; docs/example-data.md tells what is real and what is invented.
"""
