"""4me's REST API: requests, notes and attachments, kept in memory or in a data file."""
