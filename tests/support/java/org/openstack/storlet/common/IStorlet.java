package org.openstack.storlet.common;

import java.util.ArrayList;
import java.util.Map;

/** What a Java storlet implements; an engine brings the real one. */
public interface IStorlet {
    void invoke(
            ArrayList<StorletInputStream> inputs,
            ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException;
}
