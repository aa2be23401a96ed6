package org.openstack.storlet.common;

/** What a storlet fails with. */
public class StorletException extends Exception {
    private static final long serialVersionUID = 1L;

    public StorletException(String message) {
        super(message);
    }
}
