"""How the world stirs while somebody reads it: rows that come and go, others who call, a seeded chaos of both."""
