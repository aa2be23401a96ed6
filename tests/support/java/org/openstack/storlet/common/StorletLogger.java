package org.openstack.storlet.common;

/** Where a storlet writes its log. */
public abstract class StorletLogger {
    public abstract void emitLog(String message);
}
