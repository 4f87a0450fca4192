"""What a command shows: text and tables on stdout, JSON documents, records and figures in files."""
