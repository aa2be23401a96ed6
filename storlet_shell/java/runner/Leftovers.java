package org.storletshell.runner;

/** Finds threads that a storlet has started and that are still running. */
final class Leftovers {
    private static final long PATIENCE_NANOSECONDS = 1_000_000_000L;
    private static final long PAUSE_MILLISECONDS = 1;

    /** The group of some of the JDK's own threads; the others are in the root group. */
    private static final String HELPERS = "InnocuousThreadGroup";

    /** The name of a JDK thread that waits for a process that the storlet has started, and outlives it for a while. */
    private static final String REAPER = "process reaper";

    private final Thread main = Thread.currentThread();
    private final ThreadGroup all = main.getThreadGroup().getParent();

    /** Tell whether any are left, after waiting a moment for those that are about to end. */
    boolean exist() {
        long start = System.nanoTime();
        while (areRunning()) {
            if (System.nanoTime() - start > PATIENCE_NANOSECONDS) {
                return true;
            }
            try {
                Thread.sleep(PAUSE_MILLISECONDS);
            } catch (InterruptedException ignored) {
                // The storlet may have interrupted its own thread.
            }
        }
        return false;
    }

    private boolean areRunning() {
        Thread[] threads = new Thread[all.activeCount() + 1];
        int count = all.enumerate(threads);
        boolean isFound = count == threads.length; // then there may be more of them
        for (int number = 0; number < count && !isFound; number++) {
            isFound = isStorlets(threads[number]);
        }
        return isFound;
    }

    private boolean isStorlets(Thread thread) {
        ThreadGroup group = thread.getThreadGroup();
        if (thread == main || group == null) { // a thread that has ended has no group
            return false;
        }
        return group != all && !group.getName().equals(HELPERS) || thread.getName().startsWith(REAPER);
    }
}
