"""What the readers share: folders, volumes, label tables, pictures."""
