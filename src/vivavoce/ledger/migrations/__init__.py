"""How the tables of the ledger came to be, one step after another. Alembic runs what is missing, at every start."""
