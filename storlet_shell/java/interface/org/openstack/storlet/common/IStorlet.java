package org.openstack.storlet.common;

import java.util.ArrayList;
import java.util.Map;

/** A Java storlet. An engine creates it with its public constructor without parameters, and calls it for each run. */
public interface IStorlet {
    /**
     * Run over an object.
     *
     * @param inputs the object, then any additional objects
     * @param outputs the result, a {@link StorletObjectOutputStream}
     * @param parameters the run's, and {@code storlet_execution_path}, the folder of the jar and its dependencies
     * @param logger the log of the run
     * @throws StorletException if the run fails
     */
    void invoke(
            ArrayList<StorletInputStream> inputs,
            ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException;
}
