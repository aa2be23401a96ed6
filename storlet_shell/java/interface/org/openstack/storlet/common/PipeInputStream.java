package org.openstack.storlet.common;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A stream over a pipe or a file.
 *
 * <p>On a pipe, methods of {@link FileInputStream} that seek fail, such as {@code skip}, and in Java 11 to 18 {@code
 * readAllBytes}. Here, they read.
 */
final class PipeInputStream extends FileInputStream {
    private final InputStream reader = new Reader();

    PipeInputStream(FileDescriptor descriptor) {
        super(descriptor);
    }

    @Override
    public long skip(long count) throws IOException {
        return reader.skip(count);
    }

    @Override
    public byte[] readAllBytes() throws IOException {
        return reader.readAllBytes();
    }

    @Override
    public byte[] readNBytes(int count) throws IOException {
        return reader.readNBytes(count);
    }

    @Override
    public long transferTo(OutputStream target) throws IOException {
        return reader.transferTo(target);
    }

    /** Reads from the stream around it; it inherits everything else from {@link InputStream}, which never seeks. */
    private final class Reader extends InputStream {
        @Override
        public int read() throws IOException {
            return PipeInputStream.this.read();
        }

        @Override
        public int read(byte[] bytes, int start, int count) throws IOException {
            return PipeInputStream.this.read(bytes, start, count);
        }
    }
}
