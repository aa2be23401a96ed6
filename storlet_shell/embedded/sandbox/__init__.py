"""What confines a storlet: namespaces, system calls, folders."""
