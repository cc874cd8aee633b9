import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigInteger;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The Java driver: calls one method of a program on each input and writes the results to a private descriptor.
 *
 * It runs inside the sandbox with the program's classes in /work. Lines in and out are described in docs/architecture/execution.md.
 * A list of Java may be a list or a tuple: the signature's result type says which. It starts once for each program, so it keeps to what
 * starts fast: no lambdas, no java.nio.file, and texts joined without invokedynamic (an option of its compiler).
 */
public final class Driver {
    static final class Unreadable extends RuntimeException {
        Unreadable(String message) { super(message); }
    }

    /** A type of the signature: `l`, `m`, `t` with inner types, or a scalar's letter, or `?`. */
    static final class Kind {
        static final Kind ANY = new Kind('?', List.of());
        final char tag;
        final List<Kind> inner;
        Kind(char tag, List<Kind> inner) { this.tag = tag; this.inner = inner; }
        Kind at(int index) { return index < inner.size() ? inner.get(index) : ANY; }

        static Kind read(String[] tokens, int[] at) {
            String token = tokens[at[0]++];
            char tag = token.charAt(0);
            int count = tag == 't' ? Integer.parseInt(token.substring(1)) : tag == 'm' ? 2 : tag == 'l' ? 1 : 0;
            List<Kind> inner = new ArrayList<>();
            for (int i = 0; i < count; i++) inner.add(read(tokens, at));
            return new Kind(tag, inner);
        }
    }

    /** Loads the program's classes from the current folder, apart from the driver's own. */
    static final class Loader extends ClassLoader {
        Loader() throws IOException { super(libraries()); }

        /** The loader of the jar files of packages; without them, the platform's. */
        static ClassLoader libraries() throws IOException {
            String path = System.getenv("CLASSPATH");
            if (path == null) return ClassLoader.getPlatformClassLoader();
            List<URL> found = new ArrayList<>();
            for (String part : path.split(File.pathSeparator)) if (part.endsWith(".jar")) found.add(new File(part).toURI().toURL());
            return new URLClassLoader(found.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
        }

        @Override protected Class<?> findClass(String name) throws ClassNotFoundException {
            try (FileInputStream in = new FileInputStream(name.replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException error) { throw new ClassNotFoundException(name); }
        }
    }

    static final FileOutputStream CHANNEL = open();

    /** Descriptor 3 was inherited; Java has no public way to wrap a number, and opening /proc/self/fd/3 needs rights on the pipe. */
    @SuppressWarnings("deprecation")
    static FileOutputStream open() {
        try {
            Field theUnsafe = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
            theUnsafe.setAccessible(true);
            sun.misc.Unsafe unsafe = (sun.misc.Unsafe) theUnsafe.get(null);
            FileDescriptor descriptor = new FileDescriptor();
            unsafe.putInt(descriptor, unsafe.objectFieldOffset(FileDescriptor.class.getDeclaredField("fd")), 3);
            return new FileOutputStream(descriptor);
        } catch (ReflectiveOperationException error) { throw new IllegalStateException(error); }
    }

    static void send(String line) throws IOException { CHANNEL.write((line + "\n").getBytes(StandardCharsets.US_ASCII)); }

    // --- text: UTF-8 in hex, lone surrogates as three bytes ---

    static int digit(String hex, int at) { return Character.digit(hex.charAt(at), 16); }

    static String decodeText(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (digit(hex, 2 * i) * 16 + digit(hex, 2 * i + 1));
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < bytes.length;) {
            int b = bytes[i] & 0xff;
            int size = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
            int point = size == 1 ? b : b & (0xff >> (size + 1));
            for (int k = 1; k < size; k++) point = (point << 6) | (bytes[i + k] & 0x3f);
            text.appendCodePoint(point);
            i += size;
        }
        return text.toString();
    }

    static void encodeText(String text, StringBuilder out) {
        for (int i = 0; i < text.length();) {
            int point = text.codePointAt(i);
            i += Character.charCount(point);
            if (point < 0x80) hex(point, out);
            else if (point < 0x800) { hex(0xc0 | (point >> 6), out); hex(0x80 | (point & 0x3f), out); }
            else if (point < 0x10000) { hex(0xe0 | (point >> 12), out); hex(0x80 | ((point >> 6) & 0x3f), out); hex(0x80 | (point & 0x3f), out); }
            else { hex(0xf0 | (point >> 18), out); hex(0x80 | ((point >> 12) & 0x3f), out); hex(0x80 | ((point >> 6) & 0x3f), out); hex(0x80 | (point & 0x3f), out); }
        }
    }

    static void hex(int value, StringBuilder out) {
        out.append(Character.forDigit(value >> 4, 16)).append(Character.forDigit(value & 15, 16));
    }

    static String message(Throwable error) {
        String text;
        try { text = error.getClass().getName() + ": " + error.getMessage(); } catch (Throwable again) { text = error.getClass().getName(); }
        StringBuilder out = new StringBuilder();
        encodeText(text.length() > 300 ? text.substring(0, 300) : text, out);
        return out.toString();
    }

    // --- values in: by the parameter's declared type ---

    static Class<?> rawOf(Type type) {
        if (type instanceof Class<?> c) return c;
        if (type instanceof ParameterizedType p) return (Class<?>) p.getRawType();
        return Object.class;
    }

    /** A wildcard stands for its bound: Kotlin writes `List<? extends T>` for what its sources call `List<T>`. */
    static Type boundOf(Type type) { return type instanceof WildcardType w ? w.getUpperBounds()[0] : type; }

    static Type innerOf(Type type, int index) {
        return type instanceof ParameterizedType p && index < p.getActualTypeArguments().length ? boundOf(p.getActualTypeArguments()[index]) : Object.class;
    }

    static Object decode(String[] tokens, int[] at, Type wanted) {
        String token = tokens[at[0]++];
        String rest = token.substring(1);
        Class<?> raw = rawOf(wanted);
        switch (token.charAt(0)) {
            case 'i': return decodeInt(rest, raw);
            case 'f': return decodeFloat(rest, raw);
            case 's': return decodeString(decodeText(rest), raw);
            case 'b': return rest.equals("1");
            case 'n': return null;
            case 'm': return decodeMap(tokens, at, wanted, Integer.parseInt(rest));
            default: return decodeList(tokens, at, wanted, Integer.parseInt(rest));
        }
    }

    static Object decodeInt(String text, Class<?> raw) {
        if (raw == BigInteger.class) return new BigInteger(text);
        long value = Long.parseLong(text);
        if (raw == int.class || raw == Integer.class) { if (value != (int) value) throw new ArithmeticException("codemill: the integer does not fit an int"); return (int) value; }
        if (raw == double.class || raw == Double.class) return (double) value;
        if (raw == short.class || raw == Short.class) { if (value != (short) value) throw new ArithmeticException("codemill: the integer does not fit a short"); return (short) value; }
        if (raw == byte.class || raw == Byte.class) { if (value != (byte) value) throw new ArithmeticException("codemill: the integer does not fit a byte"); return (byte) value; }
        return value;
    }

    static Object decodeFloat(String text, Class<?> raw) {
        double value = switch (text) {
            case "nan" -> Double.NaN;
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            default -> Double.parseDouble(text);
        };
        return raw == float.class || raw == Float.class ? (Object) (float) value : (Object) value;
    }

    static Object decodeString(String text, Class<?> raw) {
        if (raw != char.class && raw != Character.class) return text;
        if (text.length() != 1) throw new IllegalArgumentException("codemill: the string does not fit a char");
        return text.charAt(0);
    }

    static Object decodeMap(String[] tokens, int[] at, Type wanted, int count) {
        Map<Object, Object> map = rawOf(wanted) == java.util.TreeMap.class ? new java.util.TreeMap<>() : new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            Object key = decode(tokens, at, innerOf(wanted, 0));
            map.put(key, decode(tokens, at, innerOf(wanted, 1)));
        }
        return map;
    }

    static Object decodeList(String[] tokens, int[] at, Type wanted, int count) {
        Class<?> raw = rawOf(wanted);
        if (isKotlinTuple(raw)) return decodeKotlinTuple(tokens, at, wanted, count);
        if (raw.isArray() || wanted instanceof GenericArrayType) {
            Type element = wanted instanceof GenericArrayType g ? g.getGenericComponentType() : raw.getComponentType();
            Object array = Array.newInstance(rawOf(element), count);
            for (int i = 0; i < count; i++) Array.set(array, i, decode(tokens, at, element));
            return array;
        }
        List<Object> list = raw == java.util.LinkedList.class ? new java.util.LinkedList<>() : new ArrayList<>();
        for (int i = 0; i < count; i++) list.add(decode(tokens, at, innerOf(wanted, 0)));
        return list;
    }

    static boolean isKotlinTuple(Class<?> raw) { return raw.getName().equals("kotlin.Pair") || raw.getName().equals("kotlin.Triple"); }

    static Object decodeKotlinTuple(String[] tokens, int[] at, Type wanted, int count) {
        Object[] items = new Object[count];
        for (int i = 0; i < count; i++) items[i] = decode(tokens, at, innerOf(wanted, i));
        try { return rawOf(wanted).getConstructors()[0].newInstance(items); }
        catch (ReflectiveOperationException error) { throw new IllegalArgumentException("the tuple has another length"); }
    }

    // --- values out: by their own class, a list's tag by the signature ---

    static void encode(Object value, Kind kind, StringBuilder out) {
        if (out.length() > 0) out.append(' ');
        if (value == null) out.append('n');
        else if (value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte || value.getClass() == BigInteger.class) out.append('i').append(value);
        else if (value instanceof Double || value instanceof Float) out.append('f').append(encodeFloat(((Number) value).doubleValue()));
        else if (value instanceof String || value instanceof Character) { out.append('s'); encodeText(value.toString(), out); }
        else if (value instanceof Boolean b) out.append(b ? "b1" : "b0");
        else if (value instanceof Map<?, ?> map) encodeMap(map, kind, out);
        else if (value instanceof List<?> || value.getClass().isArray()) encodeList(value, kind, out);
        else if (isKotlinTuple(value.getClass())) encodeKotlinTuple(value, kind, out);
        else if (value.getClass().getName().equals("kotlin.Unit")) out.append('n');
        else throw new Unreadable("a value of class " + value.getClass().getName() + " is not language-neutral");
    }

    static String encodeFloat(double value) {
        if (Double.isNaN(value)) return "nan";
        if (Double.isInfinite(value)) return value > 0 ? "inf" : "-inf";
        return Double.toString(value);
    }

    static boolean isOfLibrary(Object value) {
        String name = value.getClass().getName();
        return name.startsWith("java.util.") || name.startsWith("kotlin.collections.");
    }

    static void encodeMap(Map<?, ?> map, Kind kind, StringBuilder out) {
        if (!isOfLibrary(map)) throw new Unreadable("a map of a class of the program is not language-neutral");
        out.append('m').append(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) { encode(entry.getKey(), kind.at(0), out); encode(entry.getValue(), kind.at(1), out); }
    }

    static void encodeList(Object value, Kind kind, StringBuilder out) {
        List<Object> items = new ArrayList<>();
        if (value instanceof Collection<?> collection) {
            if (!isOfLibrary(value)) throw new Unreadable("a list of a class of the program is not language-neutral");
            items.addAll(collection);
        } else for (int i = 0; i < Array.getLength(value); i++) items.add(Array.get(value, i));
        boolean tuple = kind.tag == 't';
        out.append(tuple ? 't' : 'l').append(items.size());
        for (int i = 0; i < items.size(); i++) encode(items.get(i), tuple ? kind.at(i) : kind.at(0), out);
    }

    static void encodeKotlinTuple(Object value, Kind kind, StringBuilder out) {
        int count = value.getClass().getName().equals("kotlin.Pair") ? 2 : 3;
        out.append('t').append(count);
        for (int i = 0; i < count; i++) {
            try { encode(value.getClass().getMethod("component" + (i + 1)).invoke(value), kind.at(i), out); }
            catch (ReflectiveOperationException error) { throw new Unreadable(error.toString()); }
        }
    }

    // --- the run ---

    static Method find(Loader loader, String name, int parameters) throws Exception {
        List<String> classes = new ArrayList<>();
        for (String file : new File(".").list())
            if (file.endsWith(".class")) classes.add(file.substring(0, file.length() - ".class".length()));
        Collections.sort(classes);
        if (classes.remove("Solution")) classes.add(0, "Solution");
        for (String owner : classes)
            for (Method method : loader.loadClass(owner).getDeclaredMethods())
                if (method.getName().equals(name) && method.getParameterCount() == parameters && !method.isSynthetic()) return method;
        throw new NoSuchMethodException("the program defines no method '" + name + "' with " + parameters + " parameters");
    }

    static Object[] arguments(String line, Method method) {
        Type[] types = method.getGenericParameterTypes();
        Object[] values = new Object[types.length];
        String[] parts = line.split("\t");
        for (int i = 0; i < types.length; i++) values[i] = decode(parts[i].split(" "), new int[] {0}, types[i]);
        return values;
    }

    static String call(Method method, Constructor<?> constructor, String line, Kind kind) {
        Object result;
        try {
            Object owner = constructor == null ? null : constructor.newInstance();
            result = method.invoke(owner, arguments(line, method));
        } catch (InvocationTargetException error) {
            return "raised " + message(error.getCause());
        } catch (Throwable error) {
            return "raised " + message(error);
        }
        try {
            StringBuilder out = new StringBuilder();
            encode(result, kind, out);
            return "returned " + out;
        } catch (Throwable error) {
            return "unreadable " + message(error);
        }
    }

    static void run(String[] lines) throws Exception {
        String nonce = lines[0];
        int parameters = lines[2].isEmpty() ? 0 : lines[2].split("\t").length;
        Kind kind = Kind.read(lines[3].split(" "), new int[] {0});
        Method method = find(new Loader(), lines[1], parameters);
        method.setAccessible(true);
        Constructor<?> constructor = null;
        if (!Modifier.isStatic(method.getModifiers())) {
            constructor = method.getDeclaringClass().getDeclaredConstructor();
            constructor.setAccessible(true);
        }
        int count = Integer.parseInt(lines[4]);
        for (int i = 0; i < count; i++) send(nonce + " " + i + " " + call(method, constructor, lines[5 + i], kind));
        send(nonce + " finished");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] ignored) throws Exception {
        String text;
        try (InputStream in = System.in) { text = new String(in.readAllBytes(), StandardCharsets.US_ASCII); }
        String[] lines = text.split("\n", -1);
        Thread thread = new Thread(null, null, "program", 0) {
            @Override public void run() {
                try { Driver.run(lines); } catch (Throwable error) { error.printStackTrace(); Runtime.getRuntime().halt(1); }
            }
        };
        thread.start();
        thread.join();
    }
}
