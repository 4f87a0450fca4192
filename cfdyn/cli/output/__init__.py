"""The output of a command: text and tables on stdout, JSON documents, records and figures in files."""
