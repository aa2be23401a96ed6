package org.storletshell.runner;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.openstack.storlet.common.IStorlet;
import org.openstack.storlet.common.StorletInputStream;
import org.openstack.storlet.common.StorletLogger;
import org.openstack.storlet.common.StorletOutputStream;

/** One run: its streams, opened by the paths in its order, and its parameters. */
final class Run {
    private final Console console;
    private final OutputStream printed;
    private final StorletLogger logger;
    private final Result result;
    private final ArrayList<StorletInputStream> inputs = new ArrayList<>();
    private final Map<String, String> parameters;

    /**
     * @param order the paths of log, metadata and body; the number of inputs; the path of each, the number of its
     *     metadata, and their names and values; then the names and values of the parameters
     */
    Run(Iterator<String> order, Console console) throws IOException {
        this.console = console;
        String log = order.next();
        logger = new StorletLogger(new FileOutputStream(log, true).getFD());
        printed = new FileOutputStream(log, true); // a second one: a storlet may close its logger
        String metadata = order.next();
        // Appending: should a path lead to a file rather than a pipe, nothing in it is lost.
        result = new Result(new FileOutputStream(order.next(), true), new FileOutputStream(metadata, true));
        for (int rest = Integer.parseInt(order.next()); rest > 0; rest--) {
            FileInputStream input = new FileInputStream(order.next());
            inputs.add(new StorletInputStream(input.getFD(), pairs(order, Integer.parseInt(order.next()))));
        }
        parameters = pairs(order, Integer.MAX_VALUE);
    }

    /** Call the storlet; return its failure, or null. */
    Throwable invoke(IStorlet storlet) {
        ArrayList<StorletOutputStream> outputs = new ArrayList<>();
        outputs.add(result);
        console.turnTo(printed);
        try {
            storlet.invoke(new ArrayList<>(inputs), outputs, parameters, logger); // a copy, which it may change
            return null;
        } catch (Throwable failure) {
            return failure;
        }
    }

    /** Close all streams, so that threads that the storlet has left running can't use them. */
    void close() throws IOException {
        console.turnTo(null);
        result.closeMD();
        result.close();
        for (StorletInputStream input : inputs) {
            input.close();
        }
        logger.close();
        printed.close();
    }

    private static HashMap<String, String> pairs(Iterator<String> texts, int most) {
        HashMap<String, String> pairs = new HashMap<>();
        for (int number = 0; number < most && texts.hasNext(); number++) {
            String name = texts.next();
            pairs.put(name, texts.next());
        }
        return pairs;
    }
}
