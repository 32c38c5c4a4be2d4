"""Files that a hospital or a register keeps, read by a mapping of its columns."""
