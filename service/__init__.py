"""Graftwatch: infections after transplantation, watched while they happen."""

__version__ = "0.1.0"
