package org.openstack.storlet.common;

/** What a storlet writes to. */
public abstract class StorletOutputStream {}
