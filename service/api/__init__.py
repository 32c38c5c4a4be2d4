"""The only HTTP in: routes, keys, problem documents, and what stands around every answer."""
