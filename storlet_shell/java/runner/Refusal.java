package org.storletshell.runner;

/** The failure of a class that can't be a storlet; its message says why. */
final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    Refusal(String reason) {
        super(reason);
    }
}
