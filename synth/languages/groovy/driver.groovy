// The Groovy driver: calls one method of a program on each input and writes the results to a private descriptor.
//
// It runs inside the sandbox, the program beside it in solution.groovy, the request on stdin. Lines in and out are described in
// docs/architecture/execution.md. A list may be a tuple: the signature's result type says which.

class CodemillUnreadable extends RuntimeException { CodemillUnreadable(String message) { super(message) } }

class CodemillKind {
    static final CodemillKind ANY = new CodemillKind(tag: '?', inner: [])
    String tag
    List inner

    /** Types are prefix tokens: `l t2 i s` for list[tuple[int, str]]. */
    static CodemillKind read(Iterator tokens) {
        String token = tokens.next()
        String tag = token.substring(0, 1)
        int count = tag == 't' ? token.substring(1).toInteger() : tag == 'm' ? 2 : tag == 'l' ? 1 : 0
        List inner = []
        for (int i = 0; i < count; i++) inner.add(read(tokens))
        return new CodemillKind(tag: tag, inner: inner)
    }

    CodemillKind at(int index) { return index < inner.size() ? (CodemillKind) inner[index] : ANY }
}

class CodemillDriver {
    // --- text: UTF-8 in hex, lone surrogates as three bytes ---

    static String decodeText(String hex) {
        StringBuilder text = new StringBuilder()
        int at = 0
        def next = { int value = Integer.parseInt(hex.substring(at, at + 2), 16); at += 2; return value }
        while (at < hex.length()) {
            int b = next()
            int size = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4
            int point = size == 1 ? b : b & (0xff >> (size + 1))
            for (int k = 1; k < size; k++) point = (point << 6) | (next() & 0x3f)
            text.appendCodePoint(point)
        }
        return text.toString()
    }

    static String encodeText(String text) {
        StringBuilder out = new StringBuilder()
        def put = { int value -> out.append(String.format('%02x', value)) }
        for (int i = 0; i < text.length();) {
            int point = text.codePointAt(i)
            i += Character.charCount(point)
            if (point < 0x80) { put(point); continue }
            int shift = point < 0x800 ? 6 : point < 0x10000 ? 12 : 18
            put((shift == 6 ? 0xc0 : shift == 12 ? 0xe0 : 0xf0) | (point >> shift))
            for (shift -= 6; shift >= 0; shift -= 6) put(0x80 | ((point >> shift) & 0x3f))
        }
        return out.toString()
    }

    // --- values in ---

    static Object decodeFloat(String text) {
        switch (text) {
            case 'nan': return Double.NaN
            case 'inf': return Double.POSITIVE_INFINITY
            case '-inf': return Double.NEGATIVE_INFINITY
        }
        return Double.parseDouble(text)
    }

    static Object decodeInt(String text) {
        BigInteger whole = new BigInteger(text)
        if (whole.bitLength() < 32) return whole.intValue()
        return whole.bitLength() < 64 ? (Object) whole.longValue() : whole
    }

    static Object decode(Iterator tokens) {
        String token = tokens.next()
        String rest = token.substring(1)
        switch (token.charAt(0)) {
            case 'i': return decodeInt(rest)
            case 'f': return decodeFloat(rest)
            case 's': return decodeText(rest)
            case 'b': return rest == '1'
            case 'n': return null
            case 'm':
                Map map = new LinkedHashMap()
                for (int i = 0; i < rest.toInteger(); i++) { Object key = decode(tokens); map.put(key, decode(tokens)) }
                return map
        }
        List items = new ArrayList()
        for (int i = 0; i < rest.toInteger(); i++) items.add(decode(tokens))
        return items
    }

    // --- values out: by their own class; a decimal fraction is a float ---

    static String encodeFloat(double value) {
        if (Double.isNaN(value)) return 'fnan'
        if (Double.isInfinite(value)) return value > 0 ? 'finf' : 'f-inf'
        return 'f' + Double.toString(value)
    }

    static void encode(Object value, CodemillKind kind, List out) {
        if (value == null) out.add('n')
        else if (value instanceof Boolean) out.add(value ? 'b1' : 'b0')
        else if (value instanceof Integer || value instanceof Long || value instanceof Short || value instanceof BigInteger) out.add('i' + value)
        else if (value instanceof Double || value instanceof Float || value instanceof BigDecimal) out.add(encodeFloat(value.doubleValue()))
        else if (value instanceof String || value instanceof GString || value instanceof Character) out.add('s' + encodeText(value.toString()))
        else if (value.getClass().isArray()) encodeItems(value.toList(), kind, out)
        else if (!(value.getClass().name =~ /^(java\.util\.|groovy\.lang\.)/)) throw new CodemillUnreadable('a value of ' + value.getClass() + ' is not language-neutral')
        else if (value instanceof Map) encodeMap(value, kind, out)
        else if (value instanceof List) encodeItems(value, kind, out)
        else throw new CodemillUnreadable('a value of ' + value.getClass() + ' is not language-neutral')
    }

    static void encodeItems(List items, CodemillKind kind, List out) {
        boolean tuple = kind.tag == 't'
        out.add((tuple ? 't' : 'l') + items.size())
        for (int i = 0; i < items.size(); i++) encode(items.get(i), kind.at(tuple ? i : 0), out)
    }

    static void encodeMap(Map map, CodemillKind kind, List out) {
        out.add('m' + map.size())
        for (Map.Entry entry : map.entrySet()) { encode(entry.getKey(), kind.at(0), out); encode(entry.getValue(), kind.at(1), out) }
    }

    // --- the run ---

    /** Descriptor 3 was inherited; there is no public way to wrap a number. */
    static OutputStream openChannel() {
        def field = sun.misc.Unsafe.class.getDeclaredField('theUnsafe')
        field.setAccessible(true)
        def unsafe = field.get(null)
        FileDescriptor descriptor = new FileDescriptor()
        unsafe.putInt(descriptor, unsafe.objectFieldOffset(FileDescriptor.class.getDeclaredField('fd')), 3)
        return new FileOutputStream(descriptor)
    }

    static String describe(Throwable error) {
        String text = error.getClass().getName() + ': ' + error.getMessage()
        return encodeText(text.length() > 300 ? text.substring(0, 300) : text)
    }

    static String result(Closure target, String line, CodemillKind kind) {
        Object value
        try {
            List arguments = line == '' ? [] : line.split('\t').collect { decode(it.split(' ').iterator()) }
            value = target(arguments)
        } catch (Throwable error) { return 'raised ' + describe(error) }
        try {
            List out = []
            encode(value, kind, out)
            return 'returned ' + out.join(' ')
        } catch (Throwable error) { return 'unreadable ' + describe(error) }
    }

    /** A method of the script, a closure in its binding, or a method of a class of the program. */
    static Closure find(Script script, GroovyClassLoader loader, String name) {
        Closure owner = { Class type -> type.methods.any { it.name == name } || type.declaredMethods.any { it.name == name } }
        if (owner(script.getClass())) return { List arguments -> script.invokeMethod(name, arguments as Object[]) }
        if (script.binding.hasVariable(name)) return { List arguments -> script.binding.getVariable(name).call(*arguments) }
        Class found = loader.loadedClasses.find(owner)
        if (found == null) throw new NoSuchMethodException("the program defines no method '$name'")
        boolean isStatic = found.declaredMethods.any { it.name == name && java.lang.reflect.Modifier.isStatic(it.modifiers) }
        return isStatic ? { List arguments -> found."$name"(*arguments) } : { List arguments -> found.newInstance()."$name"(*arguments) }
    }

    static void run(String[] lines) {
        OutputStream channel = openChannel()
        Closure send = { String text -> channel.write((lines[0] + ' ' + text + '\n').getBytes('US-ASCII')) }
        GroovyClassLoader loader = new GroovyClassLoader()
        Class type
        try {
            type = loader.parseClass(new File('solution.groovy'))
        } catch (org.codehaus.groovy.control.CompilationFailedException error) {
            send('parse_error ' + describe(error))
            Runtime.runtime.halt(1)
        }
        Script script = Script.isAssignableFrom(type) ? (Script) type.newInstance() : new GroovyShell().parse('')
        script.binding = new Binding()
        script.run()
        Closure target = find(script, loader, lines[1])
        CodemillKind kind = CodemillKind.read(lines[3].split(' ').iterator())
        for (int i = 0; i < lines[4].toInteger(); i++) send(i + ' ' + result(target, lines[5 + i], kind))
        send('finished')
        System.out.flush()
        Runtime.runtime.halt(0)
    }
}

String[] codemillLines = System.in.getText('US-ASCII').split('\n', -1)
Thread codemillThread = new Thread(null, (Runnable) {
    try { CodemillDriver.run(codemillLines) } catch (Throwable error) { error.printStackTrace(); Runtime.runtime.halt(1) }
}, 'program', 0)
codemillThread.start()
codemillThread.join()
