package org.example;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import org.example.dependency.Named;
import org.openstack.storlet.common.IStorlet;
import org.openstack.storlet.common.StorletException;
import org.openstack.storlet.common.StorletInputStream;
import org.openstack.storlet.common.StorletLogger;
import org.openstack.storlet.common.StorletObjectOutputStream;
import org.openstack.storlet.common.StorletOutputStream;

/** A storlet that writes what a class of another jar says. */
public class Depending implements IStorlet {
    @Override
    public void invoke(
            ArrayList<StorletInputStream> inputs,
            ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException {
        StorletObjectOutputStream result = (StorletObjectOutputStream) outputs.get(0);
        result.setMetadata(new HashMap<>());
        try {
            result.getStream().write(Named.NAME.toString().getBytes(StandardCharsets.UTF_8));
        } catch (IOException failure) {
            throw new StorletException(failure.toString());
        }
    }
}
