"""What a batch is made of: patterns, templates, its journal, its endpoints."""
