package org.openstack.storlet.common;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;

/** An object that a storlet reads: its bytes and its metadata. */
public class StorletInputStream {
    protected InputStream stream;
    private final HashMap<String, String> metadata;

    /**
     * @param descriptor where to read the object's bytes
     * @param metadata the object's metadata
     */
    public StorletInputStream(FileDescriptor descriptor, HashMap<String, String> metadata) {
        this(metadata);
        stream = new PipeInputStream(descriptor);
    }

    /** For subclasses that set {@link #stream} themselves. */
    protected StorletInputStream(HashMap<String, String> metadata) {
        this.metadata = metadata;
    }

    /** Return the object's metadata: the map itself, which {@link StorletObjectOutputStream#setMetadata} empties. */
    public HashMap<String, String> getMetadata() {
        return metadata;
    }

    /** Return the stream of the object's bytes. It isn't buffered. */
    public InputStream getStream() {
        return stream;
    }

    /** Close the stream. */
    public void close() {
        try {
            stream.close();
        } catch (IOException ignored) {
            // Nothing more is read, so nothing is lost.
        }
    }
}
