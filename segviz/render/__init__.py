"""Records to pictures, charts and files; no networks here."""
