package org.example;

/** A class that is no storlet. */
public class Unrelated {}
