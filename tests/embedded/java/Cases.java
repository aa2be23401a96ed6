package org.example;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ForkJoinPool;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.openstack.storlet.common.IStorlet;
import org.openstack.storlet.common.StorletException;
import org.openstack.storlet.common.StorletInputStream;
import org.openstack.storlet.common.StorletLogger;
import org.openstack.storlet.common.StorletObjectOutputStream;
import org.openstack.storlet.common.StorletOutputStream;

/** A storlet that does what the parameter "action" says. */
public class Cases implements IStorlet {
    private static final int MIB = 1 << 20;
    private static final long LONG = 1_000_000L;
    private static int runs;

    private final List<Object> hoard = new ArrayList<>();

    @Override
    public void invoke(
            ArrayList<StorletInputStream> inputs,
            ArrayList<StorletOutputStream> outputs,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException {
        StorletObjectOutputStream result = (StorletObjectOutputStream) outputs.get(0);
        runs++;
        try {
            act(parameters.getOrDefault("action", "copy"), inputs, result, parameters, logger);
        } catch (IOException | InterruptedException failure) {
            throw new StorletException(failure.toString());
        }
    }

    private void act(
            String action,
            List<StorletInputStream> inputs,
            StorletObjectOutputStream result,
            Map<String, String> parameters,
            StorletLogger logger)
            throws StorletException, IOException, InterruptedException {
        switch (action) {
            case "copy":
                result.setMetadata(inputs.get(0).getMetadata());
                for (StorletInputStream input : inputs) {
                    copy(input.getStream(), result.getStream());
                }
                break;
            case "first":
                result.setMetadata(new HashMap<>());
                copy(inputs.get(0).getStream(), result.getStream());
                break;
            case "metadata":
                Map<String, String> metadata = new HashMap<>(parameters);
                metadata.keySet().removeIf(name -> name.startsWith("storlet_") || name.equals("action"));
                result.setMetadata(metadata);
                result.getStream().write((metadata.isEmpty() ? "emptied" : "full").getBytes(StandardCharsets.UTF_8));
                break;
            case "write":
                result.setMetadata(new HashMap<>());
                for (int count = Integer.parseInt(parameters.get("mib")); count > 0; count--) {
                    result.getStream().write(new byte[MIB]);
                }
                break;
            case "throw":
                throw new IllegalStateException("no such column", new IOException("a cause"));
            case "throw late":
                result.setMetadata(new HashMap<>());
                result.getStream().write(new byte[MIB]);
                throw new IllegalStateException("too late");
            case "throw silently":
                new Thread(() -> sleep(LONG)).start();
                throw new Silent();
            case "throw causes":
                IllegalStateException failure = new IllegalStateException("the last one");
                for (int count = 0; count < 50_000; count++) {
                    failure = new IllegalStateException("one of many", failure);
                }
                throw failure;
            case "change inputs":
                inputs.set(0, null);
                answer(result, "changed");
                break;
            case "close output":
                System.out.close();
                System.err.close();
                answer(result, count());
                break;
            case "inherit":
                answer(result, String.valueOf(new ProcessBuilder("cat").inheritIO().start().waitFor()));
                break;
            case "recurse":
                throw new IllegalStateException(String.valueOf(recurse(0)));
            case "hoard":
                while (true) {
                    hoard.add(new byte[MIB]);
                }
            case "hoard directly":
                while (true) {
                    hoard.add(ByteBuffer.allocateDirect(MIB));
                }
            case "loop":
                while (true) {
                    runs++;
                }
            case "exit":
                result.setMetadata(new HashMap<>());
                result.getStream().write('x');
                System.exit(3);
                break;
            case "exit with a hook":
                Runtime.getRuntime().addShutdownHook(new EndlessHook());
                System.exit(7);
                break;
            case "halt":
                Runtime.getRuntime().halt(4);
                break;
            case "crash":
                crash();
                break;
            case "leave a name":
                Thread.currentThread().setName("left");
                Thread.currentThread().setUncaughtExceptionHandler((caller, error) -> sleep(LONG));
                answer(result, count());
                break;
            case "print":
                System.out.println("to standard output");
                System.err.println("to standard error");
                logger.emitLog("to the log: \u20ac");
                answer(result, "");
                break;
            case "body first":
                result.getStream().write(new byte[MIB]);
                break;
            case "nothing":
                break;
            case "leave a thread":
                Thread thread = new Thread(() -> sleep(LONG));
                thread.setDaemon(true);
                thread.start();
                answer(result, count());
                break;
            case "leave a process":
                new ProcessBuilder("sleep", "1000").start();
                answer(result, count());
                break;
            case "leave an orphan":
                new ProcessBuilder("sh", "-c", "sleep 1000 &").start().waitFor();
                answer(result, count());
                break;
            case "leave a cleaner":
                hoard.add(Cleaner.create());
                answer(result, count());
                break;
            case "leave a task":
                ForkJoinPool.commonPool().execute(() -> sleep(LONG));
                answer(result, count());
                break;
            case "run a process":
                new ProcessBuilder("true").start().waitFor();
                answer(result, count());
                break;
            case "run an orphan":
                new ProcessBuilder("sh", "-c", "true &").start().waitFor();
                Thread.sleep(200);
                answer(result, count());
                break;
            case "stream in parallel":
                hoard.add(IntStream.range(0, MIB).parallel().mapToObj(String::valueOf).count());
                ForkJoinPool.commonPool().submit(() -> sleep(1)).join();
                answer(result, count());
                break;
            case "log as Java does":
                Logger.getLogger("cases").info("logged");
                answer(result, count());
                break;
            case "leave files":
                new File("left").createNewFile();
                File.createTempFile("left", "");
                System.setProperty("left", "there");
                System.setOut(System.err);
                answer(result, count());
                break;
            case "look":
                answer(result, look());
                break;
            case "count":
                answer(result, count());
                break;
            case "wait":
                result.setMetadata(new HashMap<>());
                inputs.get(0).getStream().read();
                Thread.sleep(Long.parseLong(parameters.get("milliseconds")));
                result.getStream().write(count().getBytes(StandardCharsets.UTF_8));
                break;
            case "bomb":
                answer(result, String.valueOf(bomb()));
                break;
            default:
                throw new StorletException(action);
        }
    }

    private static void copy(InputStream source, OutputStream target) throws IOException {
        byte[] buffer = new byte[65536];
        for (int count = source.read(buffer); count >= 0; count = source.read(buffer)) {
            target.write(buffer, 0, count);
        }
    }

    private static void answer(StorletObjectOutputStream result, String text) throws StorletException, IOException {
        result.setMetadata(new HashMap<>());
        result.getStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Return the number of this JVM's runs, and where its files are, which differs by process. */
    private static String count() {
        String folder = new File("").getAbsolutePath();
        return String.format("{\"runs\": %d, \"folder\": \"%s\"}", runs, folder);
    }

    /** Return what this process finds: files, properties, its descriptors, and how many of other runs' it can open. */
    private static String look() throws IOException {
        List<String> own = new ArrayList<>();
        int others = 0;
        String[] facts = Files.readString(Path.of("/proc/self/stat")).split(" ");
        for (File process : new File("/proc").listFiles((folder, name) -> name.matches("\\d+"))) {
            File[] files = new File(process, "fd").listFiles();
            if (process.getName().equals(facts[0])) {
                for (File file : files) {
                    own.add('"' + file.getCanonicalPath() + '"');
                }
            } else if (!process.getName().equals(facts[3]) && files != null) {
                for (File file : files) {
                    others += file.canRead() ? 1 : 0;
                }
            }
        }
        return String.format(
                "{\"files\": %d, \"temporary\": \"%s\", \"home\": \"%s\", \"folder\": \"%s\", \"left\": %b,"
                        + " \"own\": [%s], \"others\": %d, \"thread\": \"%s\", \"handled\": %b}",
                new File(".").listFiles().length,
                System.getProperty("java.io.tmpdir"),
                System.getProperty("user.home"),
                new File("").getAbsolutePath(),
                System.getProperty("left") != null,
                String.join(", ", own),
                others,
                Thread.currentThread().getName(),
                Thread.currentThread().getUncaughtExceptionHandler() != Thread.currentThread().getThreadGroup());
    }

    private static void crash() {
        try {
            new ProcessBuilder("sh", "-c", "kill -SEGV $PPID").start().waitFor();
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
        sleep(LONG);
    }

    private static int recurse(int depth) {
        return depth < 0 ? depth : recurse(depth + 1) + 1;
    }

    private static int bomb() {
        int count = 0;
        try {
            for (; count < 10_000; count++) {
                Thread thread = new Thread(() -> sleep(LONG));
                thread.setDaemon(true);
                thread.start();
            }
        } catch (OutOfMemoryError failure) {
            return count;
        }
        return count;
    }

    private static void sleep(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException failure) {
            Thread.currentThread().interrupt();
        }
    }

    /** An exception that can't be described. */
    private static final class Silent extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        @Override
        public String getMessage() {
            throw new IllegalStateException("silence");
        }
    }

    /** A storlet that never becomes ready. */
    public static class Endless extends Cases {
        static {
            System.out.println("initializing");
            while (runs >= 0) {
                sleep(1);
            }
        }
    }

    /** A storlet that can't be initialized. */
    public static class Failing extends Cases {
        static final int NUMBER = Integer.parseInt("seven");
    }

    /** A storlet that ends the JVM before it is called. */
    public static class Exiting extends Cases {
        static {
            if (runs == 0) {
                System.exit(5);
            }
        }
    }

    /** The same, but the JVM doesn't end by itself. */
    public static class ExitingSlowly extends Cases {
        static {
            if (runs == 0) {
                Runtime.getRuntime().addShutdownHook(new EndlessHook());
                System.exit(5);
            }
        }
    }

    /** A storlet that crashes the JVM before it is called. */
    public static class Crashing extends Cases {
        static {
            if (runs == 0) {
                crash();
            }
        }
    }

    private static final class EndlessHook extends Thread {
        @Override
        public void run() {
            while (runs >= 0) {
                Cases.sleep(1);
            }
        }
    }

    /** A class that nobody can call. */
    public static class Unrelated {}

    /** A storlet that needs a parameter. */
    public static class Demanding extends Cases {
        public Demanding(int number) {
            runs = number;
        }
    }
}
