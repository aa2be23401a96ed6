package org.openstack.storlet.common;

import java.io.FileDescriptor;
import java.util.HashMap;

/** A container to create objects in. Storlets declares it, but no engine passes one; storlets that check for it load. */
public class StorletContainerHandle extends StorletOutputStream {
    private static final String NAME = "storlet_container_name";

    protected StorletContainerHandle(FileDescriptor descriptor, HashMap<String, String> metadata) {
        super(descriptor, metadata);
    }

    /** Return the container's name. */
    public String getName() {
        return getMetadata().get(NAME);
    }

    /**
     * Create an object.
     *
     * @throws StorletException always: see the class
     */
    public StorletObjectOutputStream getObjectOutputStream(String objectName) throws StorletException {
        throw new StorletException("this engine can't create " + objectName + ": a run has a single result");
    }
}
