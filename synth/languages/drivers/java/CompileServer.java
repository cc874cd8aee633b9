import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * A resident compiler: sources come in on stdin, class files go out on stdout (the protocol stands in execution/compile_servers.py). It runs
 * in a sandbox of its own, reads no annotation processors, and never loads what it compiles. Nothing of one program is seen by the next.
 */
public final class CompileServer {
    static final class Source extends SimpleJavaFileObject {
        final String text;
        Source(String name, String text) { super(URI.create("string:///" + name), Kind.SOURCE); this.text = text; }
        @Override public CharSequence getCharContent(boolean ignored) { return text; }
    }

    static final class Compiled extends SimpleJavaFileObject {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Compiled(String path) { super(URI.create("mem:///" + path), Kind.CLASS); }
        @Override public OutputStream openOutputStream() { return bytes; }
    }

    static final class Memory extends ForwardingJavaFileManager<StandardJavaFileManager> {
        final Map<String, Compiled> classes = new LinkedHashMap<>();  // by path
        Memory(StandardJavaFileManager base) { super(base); }
        @Override public JavaFileObject getJavaFileForOutput(JavaFileManager.Location where, String name, JavaFileObject.Kind kind, FileObject sibling) {
            return classes.computeIfAbsent(name.replace('.', '/') + ".class", Compiled::new);
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

    static List<Source> readSources(DataInputStream in, int count) throws IOException {
        List<Source> sources = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = new String(read(in), StandardCharsets.UTF_8);
            sources.add(new Source(name, new String(read(in), StandardCharsets.UTF_8)));
        }
        return sources;
    }

    static void answer(JavaCompiler compiler, StandardJavaFileManager base, List<Source> sources, DataOutputStream out) throws IOException {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        Memory memory = new Memory(base);
        boolean done;
        try {
            done = compiler.getTask(null, memory, found, List.of("-proc:none", "-nowarn", "-Xlint:none"), null, sources).call();
        } catch (StackOverflowError | RuntimeException error) {
            done = false;
        }
        if (!done) {
            out.writeInt(-1);
            write(out, messages(found).getBytes(StandardCharsets.UTF_8));
            return;
        }
        out.writeInt(memory.classes.size());
        for (Map.Entry<String, Compiled> entry : memory.classes.entrySet()) {
            write(out, entry.getKey().getBytes(StandardCharsets.UTF_8));
            write(out, entry.getValue().bytes.toByteArray());
        }
    }

    static String messages(DiagnosticCollector<JavaFileObject> found) {
        StringBuilder messages = new StringBuilder();
        for (Diagnostic<? extends JavaFileObject> one : found.getDiagnostics())
            if (one.getKind() == Diagnostic.Kind.ERROR && messages.length() < 2000)
                messages.append("line ").append(one.getLineNumber()).append(": ").append(one.getMessage(null)).append('\n');
        return messages.length() > 0 ? messages.toString() : "the compiler gave up";
    }

    public static void main(String[] ignored) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager base = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        base.setLocation(StandardLocation.CLASS_PATH, List.of());
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
        while (true) {
            int count;
            try { count = in.readInt(); } catch (EOFException end) { return; }
            answer(compiler, base, readSources(in, count), out);
            out.flush();
        }
    }
}
