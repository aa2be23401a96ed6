package org.example.dependency;

/** A class that a storlet depends on. */
public class Named {
    public static final Object NAME = "a dependency's text";
}
