"""Watches the ledger's figures: what is tested, what signals, and what becomes of an alert."""
