import com.sun.source.util.JavacTask;
import com.sun.tools.javac.api.BasicJavacTask;
import com.sun.tools.javac.api.JavacTaskPool;
import com.sun.tools.javac.code.Symbol.ClassSymbol;
import com.sun.tools.javac.code.Symtab;
import com.sun.tools.javac.util.Context;
import java.io.ByteArrayOutputStream;
import java.io.File;
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
 *
 * Most of a compile is to read the classes of the platform. The pool of javac's own shell keeps them, and forgets the classes of a program;
 * what it would not forget, a second look removes, or the program gets a compiler of its own.
 */
public final class CompileServer {
    /** Programs with one of these in them get a compiler of their own: packages stay known, `a$b` may be two classes, and an escape may hide both. */
    static final List<String> APART = List.of("package", "module", "$", "\\u");
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

    final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    final JavacTaskPool pool = new JavacTaskPool(1);
    final Memory memory;

    CompileServer() throws IOException {
        StandardJavaFileManager base = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        base.setLocation(StandardLocation.CLASS_PATH, libraries());
        memory = new Memory(base);
    }

    /** The jar files of packages: an environment without them has no class path for programs. */
    static List<File> libraries() {
        List<File> found = new ArrayList<>();
        String path = System.getenv("CLASSPATH");
        for (String part : path == null ? new String[0] : path.split(File.pathSeparator)) if (part.endsWith(".jar")) found.add(new File(part));
        return found;
    }

    /**
     * Compile, then remove every class that is not the platform's or a library's: the pool itself misses those inside others. After a failure the pool has to
     * let go of the compiler, which it does for what is thrown: javac returns false also where its stack overflowed, with its work half done.
     */
    static boolean callAndForget(JavacTask task) {
        Context context = ((BasicJavacTask) task).getContext();
        if (!task.call()) throw new IllegalStateException("a compiler that failed is not used again");
        Symtab symbols = Symtab.instance(context);
        List<ClassSymbol> own = new ArrayList<>();
        for (ClassSymbol one : symbols.getAllClasses())
            if (one.packge().modle == symbols.unnamedModule && !isOfLibrary(one)) own.add(one);
        own.forEach(one -> symbols.removeClass(symbols.unnamedModule, one.flatname));
        return true;
    }

    /** Whether a class was read from a jar file: no program changes it, and its package would stay known without it. */
    static boolean isOfLibrary(ClassSymbol one) {
        return one.classfile != null && "jar".equals(one.classfile.toUri().getScheme());
    }

    boolean call(List<Source> sources, DiagnosticCollector<JavaFileObject> found) {
        boolean apart = sources.stream().anyMatch(source -> APART.stream().anyMatch(source.text::contains));
        if (apart) return compiler.getTask(null, memory, found, OPTIONS, null, sources).call();
        return pool.getTask(null, memory, found, OPTIONS, null, sources, CompileServer::callAndForget);
    }

    Map<String, byte[]> compile(Map<String, String> texts) throws Exchange.Refused {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        List<Source> sources = new ArrayList<>();
        texts.forEach((name, text) -> sources.add(new Source(name, text)));
        memory.classes.clear();
        boolean done;
        try {
            done = call(sources, found);
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
        Exchange.serve(new CompileServer()::compile);
    }
}
