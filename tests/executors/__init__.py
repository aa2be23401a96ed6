"""What does a batch's tasks side by side."""
