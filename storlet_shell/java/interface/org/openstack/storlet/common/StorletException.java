package org.openstack.storlet.common;

/** The failure of a run, thrown by a storlet. */
public class StorletException extends Exception {
    private static final long serialVersionUID = 1L;

    public StorletException(String message) {
        super(message);
    }
}
