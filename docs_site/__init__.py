"""The site of docs/: what mkdocs is told besides the pages themselves."""
