package org.storletshell.runner;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.util.List;
import org.openstack.storlet.common.IStorlet;

/**
 * The program of a JVM that runs a storlet: it loads the storlet's class once, then runs it for each order.
 *
 * <p>Orders come from descriptor 4, and answers go to descriptor 3; each is a list of texts. No class here uses
 * lambdas, formats or regular expressions: a JVM takes tens of milliseconds to load what they need.
 */
public final class Runner {
    /** The exit status if there isn't even enough memory to report the failure. */
    private static final int OUT_OF_MEMORY = 99;

    private final Answers answers = new Answers();
    private final DataInputStream orders =
            new DataInputStream(new BufferedInputStream(new FileInputStream("/proc/self/fd/4")));

    private Runner() throws IOException {}

    /**
     * Load and run a storlet until there are no more orders.
     *
     * @param arguments the storlet's class; then anything if there may be several orders
     */
    public static void main(String[] arguments) {
        int status = 1;
        try {
            new Runner().serve(arguments[0], arguments.length > 1);
            status = 0;
        } catch (OutOfMemoryError failure) {
            status = OUT_OF_MEMORY;
        } catch (Throwable failure) {
            failure.printStackTrace();
        } finally {
            Runtime.getRuntime().halt(status); // even if the storlet's threads are still running
        }
    }

    private void serve(String name, boolean isReusable) throws IOException {
        Leftovers leftovers = new Leftovers();
        Console console = new Console();
        Runtime.getRuntime().addShutdownHook(new ExitReporter(answers));
        IStorlet storlet = null;
        Throwable failure = null;
        try {
            storlet = load(name);
        } catch (Throwable error) {
            failure = error;
        }
        answers.send("loaded");
        Defaults defaults = isReusable ? new Defaults() : null; // the time zone takes a tenth of the JVM's start
        for (List<String> order = Texts.read(orders); order != null; order = Texts.read(orders)) {
            Run run = new Run(order.iterator(), console);
            answers.send("opened");
            failure = failure == null ? run.invoke(storlet) : failure;
            run.close();
            if (failure != null) {
                answers.send("failed", failure.getClass().getName(), Traces.message(failure), Traces.of(failure));
                return;
            }
            answers.send("done");
            if (defaults == null || leftovers.exist()) {
                return;
            }
            defaults.restore();
            answers.send("idle");
        }
    }

    private static IStorlet load(String name) throws Throwable {
        Class<?> type = Class.forName(name);
        if (!IStorlet.class.isAssignableFrom(type)) {
            throw new Refusal(name + " doesn't implement " + IStorlet.class.getName());
        }
        try {
            return (IStorlet) type.getConstructor().newInstance();
        } catch (NoSuchMethodException failure) {
            throw new Refusal(name + " has no public constructor without parameters");
        } catch (InstantiationException failure) {
            throw new Refusal(name + " is abstract");
        } catch (IllegalAccessException failure) {
            throw new Refusal(name + " isn't public");
        } catch (InvocationTargetException failure) {
            throw failure.getCause();
        }
    }
}
