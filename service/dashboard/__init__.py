"""The pages for people: read models, charts, routes, templates, style; nothing from elsewhere."""
