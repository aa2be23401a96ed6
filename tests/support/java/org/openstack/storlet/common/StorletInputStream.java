package org.openstack.storlet.common;

import java.io.InputStream;
import java.util.HashMap;

/** An object that a storlet reads. */
public abstract class StorletInputStream {
    public abstract InputStream getStream();

    public abstract HashMap<String, String> getMetadata();
}
