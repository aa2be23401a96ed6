package org.storletshell.runner;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import org.openstack.storlet.common.StorletObjectOutputStream;

/**
 * The result of a run, whose metadata must be set before its body is written.
 *
 * <p>The engine reads metadata first: a storlet that wrote a long body before that would block until its time limit.
 */
final class Result extends StorletObjectOutputStream {
    private boolean hasMetadata;

    Result(FileOutputStream body, FileOutputStream metadata) throws IOException {
        super(body.getFD(), new HashMap<>(), metadata.getFD());
        stream = new Body(stream);
    }

    @Override
    public void closeMD() {
        hasMetadata = true;
        super.closeMD();
    }

    private final class Body extends OutputStream {
        private final OutputStream target;

        Body(OutputStream target) {
            this.target = target;
        }

        private void requireMetadata() throws IOException {
            if (!hasMetadata) {
                throw new IOException("setMetadata must be called before the first byte is written");
            }
        }

        @Override
        public void write(int unit) throws IOException {
            requireMetadata();
            target.write(unit);
        }

        @Override
        public void write(byte[] bytes, int start, int count) throws IOException {
            requireMetadata();
            target.write(bytes, start, count);
        }

        @Override
        public void close() throws IOException {
            target.close();
        }
    }
}
