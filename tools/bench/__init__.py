"""Uploads measured beside other tools, on one machine and one server, in interleaved rounds."""
