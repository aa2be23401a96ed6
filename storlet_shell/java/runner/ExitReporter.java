package org.storletshell.runner;

import java.io.IOException;

/** Reports where a storlet called {@code System.exit}. */
final class ExitReporter extends Thread {
    private final Answers answers;

    ExitReporter(Answers answers) {
        this.answers = answers;
    }

    @Override
    public void run() {
        for (StackTraceElement[] frames : Thread.getAllStackTraces().values()) {
            int exit = indexOfExit(frames);
            if (exit >= 0) {
                try {
                    answers.send("exiting", Traces.of(frames, exit + 1));
                } catch (IOException ignored) {
                    // The engine is gone, and this JVM is about to end.
                }
                return;
            }
        }
    }

    private static int indexOfExit(StackTraceElement[] frames) {
        int last = -1; // System.exit calls Runtime.exit
        for (int number = 0; number < frames.length; number++) {
            String type = frames[number].getClassName();
            boolean canExit = type.equals("java.lang.Runtime") || type.equals("java.lang.System");
            if (canExit && frames[number].getMethodName().equals("exit")) {
                last = number;
            }
        }
        return last;
    }
}
