package org.storletshell.runner;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Lists of texts on a pipe: their number, then the length and the UTF-8 bytes of each; numbers have four bytes. */
final class Texts {
    private Texts() {}

    /** Read a list; return null at the end. */
    static List<String> read(DataInputStream source) throws IOException {
        int count;
        try {
            count = source.readInt();
        } catch (EOFException end) {
            return null;
        }
        List<String> texts = new ArrayList<>(count);
        for (int number = 0; number < count; number++) {
            byte[] text = new byte[source.readInt()];
            source.readFully(text);
            texts.add(new String(text, StandardCharsets.UTF_8));
        }
        return texts;
    }

    /** Write a list. */
    static void write(DataOutputStream target, String... texts) throws IOException {
        target.writeInt(texts.length);
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            target.writeInt(bytes.length);
            target.write(bytes);
        }
        target.flush();
    }
}
