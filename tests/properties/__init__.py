"""What holds for any input, as far as hypothesis can think of one."""
