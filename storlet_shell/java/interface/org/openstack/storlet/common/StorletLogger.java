package org.openstack.storlet.common;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** The log of a run. A log that can't be written never fails a run. */
public class StorletLogger {
    private final FileOutputStream stream;

    /**
     * @param descriptor where to write the log
     */
    public StorletLogger(FileDescriptor descriptor) {
        stream = new FileOutputStream(descriptor);
    }

    /** Write a line. */
    public void emitLog(String message) {
        try {
            stream.write((message + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException ignored) {
            // See the class.
        }
    }

    /** Do nothing: lines aren't buffered. The name is Storlets' own. */
    public void Flush() {}

    /** Close the log; further lines are lost. */
    public void close() {
        try {
            stream.close();
        } catch (IOException ignored) {
            // See the class.
        }
    }
}
