import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What resident compilers share: sources come in on stdin, what was made goes out on stdout (the protocol stands in
 * execution/compile_servers.py). Nothing else may write to stdout, so what a compiler prints goes to stderr.
 */
final class Exchange {
    /** One program, files by path in and out. It throws Refused for a program with errors, and anything else when it cannot go on. */
    interface Compiler {
        Map<String, byte[]> compile(Map<String, String> sources) throws IOException, Refused;
    }

    /** The message is the compiler's. */
    static final class Refused extends Exception {
        Refused(String messages) { super(messages); }
    }

    static byte[] read(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }

    static void write(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static Map<String, String> readSources(DataInputStream in, int count) throws IOException {
        Map<String, String> sources = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            String name = new String(read(in), StandardCharsets.UTF_8);
            sources.put(name, new String(read(in), StandardCharsets.UTF_8));
        }
        return sources;
    }

    static void answer(Compiler compiler, Map<String, String> sources, DataOutputStream out) throws IOException {
        try {
            Map<String, byte[]> made = compiler.compile(sources);
            out.writeInt(made.size());
            for (Map.Entry<String, byte[]> file : made.entrySet()) {
                write(out, file.getKey().getBytes(StandardCharsets.UTF_8));
                write(out, file.getValue());
            }
        } catch (Refused refused) {
            out.writeInt(-1);
            write(out, refused.getMessage().getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Serve until stdin ends. */
    static void serve(Compiler compiler) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
        System.setOut(System.err);
        while (true) {
            int count;
            try { count = in.readInt(); } catch (EOFException end) { return; }
            answer(compiler, readSources(in, count), out);
            out.flush();
        }
    }
}
