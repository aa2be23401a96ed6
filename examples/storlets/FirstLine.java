import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Map;
import org.openstack.storlet.common.*;

/** Returns the first line of an object, or, with the parameter {@code skip}, a later one. */
public class FirstLine implements IStorlet {
    @Override
    public void invoke(
            ArrayList<StorletInputStream> inputs,
            ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException {
        StorletObjectOutputStream target = (StorletObjectOutputStream) outputs.get(0);
        target.setMetadata(inputs.get(0).getMetadata()); // before any output
        int skip = Integer.parseInt(parameters.getOrDefault("skip", "0"));
        logger.emitLog("skipping " + skip);
        try (InputStream in = inputs.get(0).getStream();
                OutputStream out = target.getStream()) {
            copyLine(in, out, skip);
        } catch (IOException failure) {
            throw new StorletException(failure.getMessage());
        }
    }

    private static void copyLine(InputStream in, OutputStream out, int skip) throws IOException {
        int line = 0;
        for (int unit = in.read(); unit >= 0 && line <= skip; unit = in.read()) {
            if (line == skip) out.write(unit);
            if (unit == '\n') line++;
        }
    }
}
