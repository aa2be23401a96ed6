package org.storletshell.runner;

import java.util.Locale;
import java.util.Properties;
import java.util.TimeZone;

/** The settings of a JVM that a run may change and the next one must not see. */
final class Defaults {
    private final Properties properties = copy(System.getProperties());
    private final Locale locale = Locale.getDefault();
    private final TimeZone zone = TimeZone.getDefault();
    private final ClassLoader loader = Thread.currentThread().getContextClassLoader();
    private final int priority = Thread.currentThread().getPriority();
    private final String name = Thread.currentThread().getName();

    /** Restore them. */
    void restore() {
        System.setProperties(copy(properties));
        Locale.setDefault(locale);
        TimeZone.setDefault(zone);
        Thread.setDefaultUncaughtExceptionHandler(null);
        Thread.interrupted();
        Thread.currentThread().setContextClassLoader(loader);
        Thread.currentThread().setPriority(priority);
        Thread.currentThread().setName(name);
        Thread.currentThread().setUncaughtExceptionHandler(null); // the default: its group
    }

    private static Properties copy(Properties properties) {
        return (Properties) properties.clone();
    }
}
