package org.openstack.storlet.common;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;

/** An output of a storlet; engines pass a {@link StorletObjectOutputStream}. */
public class StorletOutputStream {
    protected OutputStream stream;
    private final HashMap<String, String> metadata;

    /**
     * @param descriptor where to write the output's bytes
     * @param metadata what the engine knows about the output
     */
    public StorletOutputStream(FileDescriptor descriptor, HashMap<String, String> metadata) {
        stream = new FileOutputStream(descriptor);
        this.metadata = metadata;
    }

    /** Return what the engine knows about the output, not the metadata that the storlet sets. */
    public HashMap<String, String> getMetadata() {
        return metadata;
    }

    /** Close the stream. */
    public void close() {
        try {
            stream.close();
        } catch (IOException ignored) {
            // The stream isn't buffered, so a write has failed before.
        }
    }
}
