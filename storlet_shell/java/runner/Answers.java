package org.storletshell.runner;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;

/** What the JVM reports: an event and its details. */
final class Answers {
    private static final String PIPE = "/proc/self/fd/3";

    private final DataOutputStream target =
            new DataOutputStream(new BufferedOutputStream(new FileOutputStream(PIPE)));

    Answers() throws IOException {}

    /** Report an event; threads may do so at the same time. */
    synchronized void send(String... texts) throws IOException {
        Texts.write(target, texts);
    }
}
