package org.openstack.storlet.common;

import java.io.OutputStream;
import java.util.Map;

/** An object that a storlet writes. */
public abstract class StorletObjectOutputStream extends StorletOutputStream {
    public abstract OutputStream getStream();

    public abstract void setMetadata(Map<String, String> metadata) throws StorletException;
}
