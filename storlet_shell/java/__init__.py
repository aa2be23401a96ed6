"""Java storlets: the interface that they implement, and compiling with the machine's JDK.

``interface/`` holds the sources of the interface. They are compiled when they are first needed, so that packages carry
no compiled code.
"""
