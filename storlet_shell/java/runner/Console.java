package org.storletshell.runner;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The target of standard output and standard error: the log during a run, otherwise the JVM's own output.
 *
 * <p>A storlet that keeps a reference to {@code System.out} thus writes to the log of each run.
 */
final class Console extends OutputStream {
    private final OutputStream own = new FileOutputStream(FileDescriptor.out);
    private final PrintStream printer = new PrintStream(this, true, StandardCharsets.UTF_8) {
        @Override
        public void close() {
            flush(); // the next run prints, too
        }
    };
    private volatile OutputStream target = own;

    Console() {
        install();
    }

    /** Send output to a log; null for the JVM's own output. */
    void turnTo(OutputStream log) {
        printer.flush();
        target = log == null ? own : log;
        install();
    }

    private void install() {
        System.setIn(InputStream.nullInputStream());
        System.setOut(printer);
        System.setErr(printer);
    }

    @Override
    public void write(int unit) throws IOException {
        target.write(unit);
    }

    @Override
    public void write(byte[] bytes, int start, int count) throws IOException {
        target.write(bytes, start, count);
    }
}
