package org.openstack.storlet.common;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The result of a storlet: metadata first, then bytes. */
public class StorletObjectOutputStream extends StorletOutputStream {
    private final OutputStream metadataStream;

    /**
     * @param descriptor where to write the result's bytes
     * @param metadata what the engine knows about the output
     * @param metadataDescriptor where to write the result's metadata, as JSON
     */
    public StorletObjectOutputStream(
            FileDescriptor descriptor, HashMap<String, String> metadata, FileDescriptor metadataDescriptor) {
        super(descriptor, metadata);
        metadataStream = new FileOutputStream(metadataDescriptor);
    }

    /** Return the stream of the result's bytes. It isn't buffered. */
    public OutputStream getStream() {
        return stream;
    }

    /** Return the stream of the result's metadata. Use {@link #setMetadata} instead, which closes it. */
    public OutputStream getMDStream() {
        return metadataStream;
    }

    /** Close the stream of the metadata. */
    public void closeMD() {
        try {
            metadataStream.close();
        } catch (IOException ignored) {
            // The stream isn't buffered, so a write has failed before.
        }
    }

    /**
     * Set the metadata of the result: once, before any byte is written. As in upstream's engine, this empties the map.
     *
     * @throws StorletException if the metadata has been set before
     * @throws UnsupportedOperationException if the map can't be changed
     */
    public void setMetadata(Map<String, String> metadata) throws StorletException {
        String text = JsonText.of(takeAll(metadata));
        try {
            metadataStream.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException failure) {
            throw new StorletException("Failed to set metadata " + failure);
        } finally {
            closeMD();
        }
    }

    private static Map<String, String> takeAll(Map<String, String> metadata) {
        Map<String, String> copy = new LinkedHashMap<>();
        Iterator<Map.Entry<String, String>> entries = metadata.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<String, String> entry = entries.next();
            String name = entry.getKey();
            String value = entry.getValue();
            copy.put(name, value);
            try {
                entries.remove();
            } catch (UnsupportedOperationException failure) {
                String text = "setMetadata empties the map, and this one can't be changed; pass new HashMap<>(metadata)";
                throw new UnsupportedOperationException(text, failure);
            }
        }
        return copy;
    }
}
