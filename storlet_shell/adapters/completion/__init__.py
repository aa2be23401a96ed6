"""What a word may become, and Tab in shells."""
