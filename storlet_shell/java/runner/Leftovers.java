package org.storletshell.runner;

import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;

/** Finds threads that a storlet has started and that are still running. */
final class Leftovers {
    private static final long PATIENCE_NANOSECONDS = 1_000_000_000L;
    private static final long PAUSE_MILLISECONDS = 1;

    /**
     * Prefixes of the names of threads that the JDK starts when it first needs them, and keeps.
     *
     * <p>The process reaper waits for a process that the storlet has started; the engine looks for processes itself.
     * The threads of cleaners are missing here, because those that a storlet creates run its own code.
     */
    private static final String[] HELPERS = {
        "Common-Cleaner", "Java2D Disposer", "Keep-Alive-Timer", "process reaper"
    };

    private static final int ROOM = 16;

    private final ThreadGroup own = Thread.currentThread().getThreadGroup();
    private final Thread[] before = running();

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
        Thread[] threads = running();
        boolean isFound = threads[threads.length - 1] != null; // then there may be more of them
        for (int number = 0; threads[number] != null && !isFound; number++) {
            isFound = isLeft(threads[number]);
        }
        return isFound;
    }

    /** Return the threads of the storlet and the JDK, and null for the rest. */
    private Thread[] running() {
        ThreadGroup all = own.getParent();
        Thread[] threads = new Thread[all.activeCount() + ROOM];
        all.enumerate(threads);
        return threads;
    }

    private boolean isLeft(Thread thread) {
        for (Thread old : before) {
            if (thread == old) {
                return false;
            }
        }
        ThreadGroup group = thread.getThreadGroup(); // a thread that has ended has no group
        return group != null && !isIdleWorker(thread) && (own.parentOf(group) || !isHelper(thread));
    }

    private static boolean isHelper(Thread thread) {
        for (String name : HELPERS) {
            if (thread.getName().startsWith(name)) {
                return true;
            }
        }
        return false;
    }

    /** Tell whether a thread belongs to the JDK's own pool, which parallel streams use, and none of these has work. */
    private static boolean isIdleWorker(Thread thread) {
        return thread instanceof ForkJoinWorkerThread
                && ((ForkJoinWorkerThread) thread).getPool() == ForkJoinPool.commonPool()
                && ForkJoinPool.commonPool().isQuiescent();
    }
}
