package org.storletshell.runner;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Stack traces as text, without the frames of this program that called the storlet. */
final class Traces {
    private static final String[] CALLERS = {
        Traces.class.getPackageName() + ".", "java.lang.reflect.", "jdk.internal.reflect."
    };

    private static final int MOST_TRIMMED = 100;

    private Traces() {}

    /** Return the message of a failure; for one in a static initializer, that of its cause. */
    static String message(Throwable failure) {
        boolean isWrapped = failure instanceof ExceptionInInitializerError && failure.getCause() != null;
        String text = null;
        try {
            text = isWrapped ? failure.getCause() + " (in a static initializer)" : failure.toString();
        } catch (Throwable ignored) {
            // The storlet's own methods may fail, too.
        }
        return text == null ? failure.getClass().getName() : text;
    }

    /** Return a failure with its causes as Java prints it, as far as the failure's own methods allow that. */
    static String of(Throwable failure) {
        StringWriter text = new StringWriter();
        try {
            trim(failure, new ArrayList<>());
            failure.printStackTrace(new PrintWriter(text, true));
        } catch (Throwable error) { // such as that of a method which the storlet overrides, or for a million causes
            text.write("[the stack trace can't be printed: " + error.getClass().getName() + "]\n");
        }
        return text.toString();
    }

    /** Return the frames from an index on, as in Java's stack traces, without the names of class loaders. */
    static String of(StackTraceElement[] frames, int start) {
        StringBuilder text = new StringBuilder();
        for (int number = start; number < storletsOwn(frames); number++) {
            String frame = frames[number].toString();
            text.append("\tat ").append(frame.substring(frame.indexOf("//") < 0 ? 0 : frame.indexOf("//") + 2));
            text.append('\n');
        }
        return text.toString();
    }

    private static void trim(Throwable failure, List<Throwable> trimmed) {
        if (failure == null || trimmed.size() == MOST_TRIMMED || trimmed.contains(failure)) {
            return;
        }
        trimmed.add(failure);
        StackTraceElement[] frames = failure.getStackTrace();
        failure.setStackTrace(Arrays.copyOf(frames, storletsOwn(frames)));
        trim(failure.getCause(), trimmed);
        for (Throwable suppressed : failure.getSuppressed()) {
            trim(suppressed, trimmed);
        }
    }

    /** Return how many frames are above those of the callers; all of them if there are no callers. */
    private static int storletsOwn(StackTraceElement[] frames) {
        int count = frames.length;
        if (count == 0 || !frames[count - 1].getClassName().startsWith(CALLERS[0])) {
            return count; // another thread's, or cut off
        }
        while (count > 0 && isCaller(frames[count - 1].getClassName())) {
            count--;
        }
        return count;
    }

    private static boolean isCaller(String type) {
        for (String prefix : CALLERS) {
            if (type.startsWith(prefix)) {
                return true;
            }
        }
        return false;
    }
}
