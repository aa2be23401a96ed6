"""What the tests stand on: a scripted server for what a real one can not be made to do, and lines that are run."""
