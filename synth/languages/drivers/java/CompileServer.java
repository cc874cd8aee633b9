import java.io.ByteArrayOutputStream;
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
 * A resident Java compiler. It runs in a sandbox of its own, reads no annotation processors, and never loads what it compiles. Nothing of one
 * program is seen by the next.
 */
public final class CompileServer {
    static final List<String> OPTIONS = List.of("-proc:none", "-nowarn", "-Xlint:none", "-XDstringConcat=inline");  // what is joined by invokedynamic costs 10 ms a start

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

    static Map<String, byte[]> compile(JavaCompiler compiler, StandardJavaFileManager base, Map<String, String> texts) throws Exchange.Refused {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        Memory memory = new Memory(base);
        List<Source> sources = new ArrayList<>();
        texts.forEach((name, text) -> sources.add(new Source(name, text)));
        boolean done;
        try {
            done = compiler.getTask(null, memory, found, OPTIONS, null, sources).call();
        } catch (StackOverflowError | RuntimeException error) {
            done = false;
        }
        if (!done) throw new Exchange.Refused(messages(found));
        Map<String, byte[]> files = new LinkedHashMap<>();
        memory.classes.forEach((path, compiled) -> files.put(path, compiled.bytes.toByteArray()));
        return files;
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
        Exchange.serve(texts -> compile(compiler, base, texts));
    }
}
