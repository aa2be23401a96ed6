package org.storletshell.runner;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import org.openstack.storlet.common.StorletObjectOutputStream;

/**
 * The result of a run, whose metadata end with the first byte of its body.
 *
 * <p>The engine reads metadata first, so a storlet that wrote a long body without any would wait until its time limit.
 */
final class Result extends StorletObjectOutputStream {
    Result(FileOutputStream body, FileOutputStream metadata) throws IOException {
        super(body.getFD(), new HashMap<>(), metadata.getFD());
        stream = new Body(stream);
    }

    private final class Body extends OutputStream {
        private final OutputStream target;
        private boolean begun;

        Body(OutputStream target) {
            this.target = target;
        }

        private void begin() {
            if (!begun) {
                begun = true;
                closeMD();
            }
        }

        @Override
        public void write(int unit) throws IOException {
            begin();
            target.write(unit);
        }

        @Override
        public void write(byte[] bytes, int start, int count) throws IOException {
            begin();
            target.write(bytes, start, count);
        }

        @Override
        public void close() throws IOException {
            target.close();
        }
    }
}
