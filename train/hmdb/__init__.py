"""Public clips, fetched and unpacked."""
