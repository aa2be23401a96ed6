package org.example;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Map;
import org.openstack.storlet.common.IStorlet;
import org.openstack.storlet.common.StorletException;
import org.openstack.storlet.common.StorletInputStream;
import org.openstack.storlet.common.StorletLogger;
import org.openstack.storlet.common.StorletObjectOutputStream;
import org.openstack.storlet.common.StorletOutputStream;

/** What storlets that copy have in common; being abstract, it can't be started itself. */
public abstract class Copying implements IStorlet {
    /** Returns the most bytes that are read at a time. */
    protected abstract int size();

    @Override
    public void invoke(
            ArrayList<StorletInputStream> inputs,
            ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException {
        StorletObjectOutputStream target = (StorletObjectOutputStream) outputs.get(0);
        target.setMetadata(inputs.get(0).getMetadata());
        byte[] buffer = new byte[size()];
        try (InputStream in = inputs.get(0).getStream();
                OutputStream out = target.getStream()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                out.write(buffer, 0, count);
            }
        } catch (IOException failure) {
            throw new StorletException(failure.getMessage());
        }
    }
}
