"""What other packages add: commands, schedulers and executors."""
