"""The only SQL: SQLite for one machine, PostgreSQL for production, the same tables on both."""
