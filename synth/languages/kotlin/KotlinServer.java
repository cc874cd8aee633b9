import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/**
 * A resident Kotlin compiler. What it keeps from one program to the next are the opened libraries; each program has a folder and a
 * compiler project of its own, and both are gone before the next one. Scripts and plugins are off: nothing that it compiles is loaded. When it
 * fails other than by refusing a program, it ends, and the next program meets a new one.
 */
public final class KotlinServer {
    static final List<String> OPTIONS = List.of("-nowarn", "-no-reflect", "-no-stdlib", "-Xdisable-default-scripting-plugin");

    static Map<String, byte[]> compile(String library, Map<String, String> sources) throws IOException, Exchange.Refused {
        Path folder = Files.createTempDirectory("program");
        try {
            List<String> words = new ArrayList<>(OPTIONS);
            Path made = folder.resolve("made");
            words.addAll(List.of("-classpath", library, "-d", made.toString()));
            for (Map.Entry<String, String> source : sources.entrySet()) {
                Path file = folder.resolve(source.getKey());
                Files.write(file, source.getValue().getBytes(StandardCharsets.UTF_8));
                words.add(file.toString());
            }
            run(words, folder + File.separator);
            Map<String, byte[]> files = new LinkedHashMap<>();
            collect(made.toFile(), "", files);
            return files;
        } finally { delete(folder.toFile()); }
    }

    static void run(List<String> words, String folder) throws Exchange.Refused {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ExitCode code = new K2JVMCompiler().exec(new PrintStream(said, true, StandardCharsets.UTF_8), words.toArray(new String[0]));
        String messages = said.toString(StandardCharsets.UTF_8).replace(folder, "");
        if (code == ExitCode.INTERNAL_ERROR) throw new IllegalStateException(messages);
        if (code != ExitCode.OK) throw new Exchange.Refused(messages.isEmpty() ? "the compiler gave up" : messages.substring(0, Math.min(messages.length(), 2000)));
    }

    /** Class files only: what the compiler notes about the module is of no use to a run. */
    static void collect(File folder, String before, Map<String, byte[]> files) throws IOException {
        File[] found = folder.listFiles();
        if (found == null) return;
        for (File file : found)
            if (file.isDirectory()) collect(file, before + file.getName() + "/", files);
            else if (file.getName().endsWith(".class")) files.put(before + file.getName(), Files.readAllBytes(file.toPath()));
    }

    static void delete(File file) {
        File[] inside = file.listFiles();
        if (inside != null) for (File one : inside) delete(one);
        file.delete();
    }

    public static void main(String[] words) throws IOException {
        System.setProperty("kotlin.environment.keepalive", "true");
        System.setProperty("java.awt.headless", "true");
        Exchange.serve(sources -> compile(words[0], sources));
    }
}
