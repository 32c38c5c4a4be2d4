"""Bytes from hospitals, read into events or into reasons why not; nothing is stored here."""
