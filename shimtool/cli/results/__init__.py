"""What commands found, as data: their --json documents, of which tables are made as well."""
