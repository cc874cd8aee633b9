import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * A resident compiler: sources come in on stdin, class files go out on stdout. It runs in a sandbox of its own, reads no annotation
 * processors, and never loads what it compiles.
 *
 * Request: file name, source. Answer: number of classes, then name and bytes of each; or -1 and the messages. Each text and each byte
 * string has its length before it, as a big-endian int.
 */
public final class CompileServer {
    static final class Source extends SimpleJavaFileObject {
        final String text;
        Source(String name, String text) { super(URI.create("string:///" + name), Kind.SOURCE); this.text = text; }
        @Override public CharSequence getCharContent(boolean ignored) { return text; }
    }

    static final class Compiled extends SimpleJavaFileObject {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Compiled(String name) { super(URI.create("mem:///" + name.replace('.', '/') + ".class"), Kind.CLASS); }
        @Override public OutputStream openOutputStream() { return bytes; }
    }

    static final class Memory extends ForwardingJavaFileManager<StandardJavaFileManager> {
        final Map<String, Compiled> classes = new LinkedHashMap<>();
        Memory(StandardJavaFileManager base) { super(base); }
        @Override public JavaFileObject getJavaFileForOutput(JavaFileManager.Location where, String name, JavaFileObject.Kind kind, FileObject sibling) {
            return classes.computeIfAbsent(name, Compiled::new);
        }
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

    static void answer(JavaCompiler compiler, StandardJavaFileManager base, String name, String text, DataOutputStream out) throws IOException {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        Memory memory = new Memory(base);
        boolean done;
        try {
            done = compiler.getTask(null, memory, found, List.of("-proc:none", "-nowarn", "-Xlint:none"), null, List.of(new Source(name, text))).call();
        } catch (StackOverflowError | RuntimeException error) {
            done = false;
        }
        if (done) {
            out.writeInt(memory.classes.size());
            for (Map.Entry<String, Compiled> entry : memory.classes.entrySet()) {
                write(out, entry.getKey().getBytes(StandardCharsets.UTF_8));
                write(out, entry.getValue().bytes.toByteArray());
            }
            return;
        }
        StringBuilder messages = new StringBuilder();
        for (Diagnostic<? extends JavaFileObject> one : found.getDiagnostics())
            if (one.getKind() == Diagnostic.Kind.ERROR && messages.length() < 2000)
                messages.append("line ").append(one.getLineNumber()).append(": ").append(one.getMessage(null)).append('\n');
        out.writeInt(-1);
        write(out, (messages.length() > 0 ? messages.toString() : "the compiler gave up").getBytes(StandardCharsets.UTF_8));
    }

    public static void main(String[] ignored) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager base = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(new java.io.BufferedOutputStream(System.out, 1 << 16));
        while (true) {
            byte[] name;
            try { name = read(in); } catch (java.io.EOFException end) { return; }
            String text = new String(read(in), StandardCharsets.UTF_8);
            answer(compiler, base, new String(name, StandardCharsets.UTF_8), text, out);
            out.flush();
        }
    }
}
