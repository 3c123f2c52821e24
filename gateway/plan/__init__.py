"""GraphQL → SQL: what a document selects becomes one statement that returns the finished JSON."""
