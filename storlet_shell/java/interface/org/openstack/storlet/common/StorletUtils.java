package org.openstack.storlet.common;

import java.io.File;
import java.net.URISyntaxException;
import java.net.URL;

/** Finds a storlet's files. */
public class StorletUtils {
    /** Return the folder of a class's jar, which also contains the storlet's dependencies. */
    public static final String getClassFolder(@SuppressWarnings("rawtypes") Class storlet) {
        URL jar = storlet.getProtectionDomain().getCodeSource().getLocation();
        try {
            return new File(jar.toURI()).getParent();
        } catch (URISyntaxException failure) {
            throw new IllegalStateException(failure);
        }
    }
}
