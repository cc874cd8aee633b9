using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

/// The C# driver: calls one method of a program on each input and writes the results to a private descriptor.
///
/// It is compiled once and loads the program, compiled as /work/program.dll. Lines in and out are described in
/// docs/architecture/execution.md. Arguments are made for the types that the method declares; a List may be a list or a tuple: the
/// signature's result type says which. It starts once for each program, so it does without what Mono would have to compile in every start
/// (LINQ, libraries other than the first, generic code over numbers that is not in the driver itself) or to read (cultures).
static class CodemillDriver
{
    sealed class Unreadable : Exception { public Unreadable(string message) : base(message) { } }

    /// The words of a line, read one after the other.
    sealed class Words
    {
        readonly string[] all;
        int at;
        public Words(string line) { all = Split(line, ' '); }
        public string Next() { return all[at++]; }
    }

    static string[] Split(string text, char mark)
    {
        var parts = new List<string>();
        int from = 0;
        for (int at; (at = text.IndexOf(mark, from)) >= 0; from = at + 1) parts.Add(text.Substring(from, at - from));
        parts.Add(text.Substring(from));
        return parts.ToArray();
    }

    /// Decimal digits; what may be too long for them takes the way of the library.
    static long ParseLong(string text)
    {
        if (text.Length > 18) return long.Parse(text, CultureInfo.InvariantCulture);
        long value = 0;
        int sign = text[0] == '-' ? 1 : 0;
        for (int i = sign; i < text.Length; i++) value = 10 * value + (text[i] - '0');
        return sign == 1 ? -value : value;
    }

    static int ParseInt(string text) { return (int)ParseLong(text); }

    static string Digits(long value)
    {
        if (value == long.MinValue) return "-9223372036854775808";
        var digits = new char[20];
        int at = digits.Length;
        for (long rest = value < 0 ? -value : value; rest > 0 || at == digits.Length; rest /= 10) digits[--at] = (char)('0' + rest % 10);
        if (value < 0) digits[--at] = '-';
        return new string(digits, at, digits.Length - at);
    }

    /// A type of the signature: `l`, `m`, `t` with inner types, or a scalar's letter, or `?`.
    sealed class Kind
    {
        public static readonly Kind Any = new Kind { Tag = '?' };
        public char Tag;
        public readonly List<Kind> Inner = new List<Kind>();
        public Kind At(int index) { if (Tag != 't' && Tag != 'm') index = 0; return index < Inner.Count ? Inner[index] : Any; }

        public static Kind Read(Words tokens)
        {
            string token = tokens.Next();
            var kind = new Kind { Tag = token[0] };
            int count = token[0] == 't' ? ParseInt(token.Substring(1)) : token[0] == 'm' ? 2 : token[0] == 'l' ? 1 : 0;
            while (count-- > 0) kind.Inner.Add(Read(tokens));
            return kind;
        }
    }

    // --- text: UTF-8 in hex, lone surrogates as three bytes ---

    static string DecodeText(string hex)
    {
        var bytes = new byte[hex.Length / 2];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = Convert.ToByte(hex.Substring(2 * i, 2), 16);
        var text = new StringBuilder();
        for (int i = 0; i < bytes.Length;)
        {
            int b = bytes[i], size = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
            int point = size == 1 ? b : b & (0xff >> (size + 1));
            for (int k = 1; k < size; k++) point = (point << 6) | (bytes[i + k] & 0x3f);
            if (point < 0x10000) text.Append((char)point); else text.Append(char.ConvertFromUtf32(point));
            i += size;
        }
        return text.ToString();
    }

    static string EncodeText(string text)
    {
        var hex = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            bool pair = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
            int point = pair ? char.ConvertToUtf32(text[i], text[++i]) : text[i];
            if (point < 0x80) Put(point, hex);
            else if (point < 0x800) { Put(0xc0 | (point >> 6), hex); PutRest(point, 0, hex); }
            else if (point < 0x10000) { Put(0xe0 | (point >> 12), hex); PutRest(point, 6, hex); }
            else { Put(0xf0 | (point >> 18), hex); PutRest(point, 12, hex); }
        }
        return hex.ToString();
    }

    static void Put(int value, StringBuilder hex) { hex.Append("0123456789abcdef"[value >> 4]).Append("0123456789abcdef"[value & 15]); }

    static void PutRest(int point, int shift, StringBuilder hex)
    {
        for (; shift >= 0; shift -= 6) Put(0x80 | ((point >> shift) & 0x3f), hex);
    }

    // --- values in: by the parameter's declared type ---

    static Type Inner(Type type, int index)
    {
        if (type.IsArray) return type.GetElementType();
        return type.IsGenericType && index < type.GetGenericArguments().Length ? type.GetGenericArguments()[index] : typeof(object);
    }

    static double DecodeFloat(string text)
    {
        switch (text)
        {
            case "nan": return double.NaN;
            case "inf": return double.PositiveInfinity;
            case "-inf": return double.NegativeInfinity;
            case "-0.0": return BitConverter.Int64BitsToDouble(long.MinValue);
            default: return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        }
    }

    static Assembly program;

    static bool IsTuple(Type type)
    {
        bool named = type.FullName.StartsWith("System.ValueTuple`", StringComparison.Ordinal) || type.FullName.StartsWith("System.Tuple`", StringComparison.Ordinal);
        return named && type.Assembly != program;
    }

    static bool IsBig(Type type) { return type.FullName == "System.Numerics.BigInteger" && type.Assembly != program; }

    static char DecodeChar(string text)
    {
        if (text.Length != 1) throw new ArgumentException("the string does not fit a char");
        return text[0];
    }

    static object DecodeInt(string text, Type wanted)
    {
        if (IsBig(wanted)) return wanted.GetMethod("Parse", new[] { typeof(string) }).Invoke(null, new object[] { text });
        if (wanted == typeof(ulong)) return ulong.Parse(text, CultureInfo.InvariantCulture);
        long value = ParseLong(text);
        if (wanted == typeof(long)) return value;
        if (wanted == typeof(int) && value == (int)value) return (int)value;
        return wanted == typeof(object) ? value : Convert.ChangeType(value, wanted, CultureInfo.InvariantCulture);
    }

    static object Decode(Words tokens, Type wanted)
    {
        string token = tokens.Next(), rest = token.Substring(1);
        wanted = Nullable.GetUnderlyingType(wanted) ?? wanted;
        switch (token[0])
        {
            case 'i': return DecodeInt(rest, wanted);
            case 'f': return wanted == typeof(float) ? (object)(float)DecodeFloat(rest) : DecodeFloat(rest);
            case 's': return wanted == typeof(char) ? (object)DecodeChar(DecodeText(rest)) : DecodeText(rest);
            case 'b': return rest == "1";
            case 'n': return null;
            case 'm': return DecodeMap(tokens, ParseInt(rest), wanted);
            default: return IsTuple(wanted) ? DecodeTuple(tokens, ParseInt(rest), wanted) : DecodeList(tokens, ParseInt(rest), wanted);
        }
    }

    /// Where an eighth item would stand is a tuple of the rest.
    static object DecodeTuple(Words tokens, int count, Type wanted)
    {
        var items = new object[count < 8 ? count : 8];
        for (int i = 0; i < items.Length; i++)
        {
            Type item = Inner(wanted, i);
            items[i] = i == 7 && IsTuple(item) ? DecodeTuple(tokens, count - 7, item) : Decode(tokens, item);
        }
        return Activator.CreateInstance(wanted, items);
    }

    static object DecodeList(Words tokens, int count, Type wanted)
    {
        Type element = Inner(wanted, 0);
        if (element == typeof(long) && !wanted.IsArray) return DecodeLongs(tokens, count);
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element));
        for (int i = 0; i < count; i++) list.Add(Decode(tokens, element));
        if (!wanted.IsArray) return list;
        Array array = Array.CreateInstance(element, count);
        list.CopyTo(array, 0);
        return array;
    }

    static List<long> DecodeLongs(Words tokens, int count)
    {
        var list = new List<long>();
        while (count-- > 0) list.Add((long)Decode(tokens, typeof(long)));
        return list;
    }

    static object DecodeMap(Words tokens, int count, Type wanted)
    {
        Type key = Inner(wanted, 0), item = Inner(wanted, 1);
        bool sorted = wanted.Name == "SortedDictionary`2";
        var map = (IDictionary)Activator.CreateInstance((sorted ? typeof(SortedDictionary<,>) : typeof(Dictionary<,>)).MakeGenericType(key, item));
        for (int i = 0; i < count; i++) { object made = Decode(tokens, key); map[made] = Decode(tokens, item); }
        return map;
    }

    // --- values out: by their own class, a list's tag by the signature ---

    static string EncodeFloat(double value)
    {
        if (double.IsNaN(value)) return "fnan";
        if (double.IsInfinity(value)) return value > 0 ? "finf" : "f-inf";
        if (value == 0) return BitConverter.DoubleToInt64Bits(value) < 0 ? "f-0.0" : "f0.0";
        return "f" + value.ToString("E16", CultureInfo.InvariantCulture);
    }

    /// A class of the program's own is no value, whatever it says of itself. The one exception is what the compiler makes of a method with
    /// `yield return`: no class in a source can have a name like that.
    static bool IsSequence(object value, Type type)
    {
        bool known = type.Assembly == program ? type.Name[0] == '<' : (type.Namespace ?? "").StartsWith("System.", StringComparison.Ordinal);
        return known && value is IEnumerable;
    }

    static void Encode(object value, Kind kind, List<string> words)
    {
        if (value == null) { words.Add("n"); return; }
        Type type = value.GetType();
        if (value is bool) words.Add((bool)value ? "b1" : "b0");
        else if (value is double || value is float) words.Add(EncodeFloat(Convert.ToDouble(value)));
        else if (value is string || value is char) words.Add("s" + EncodeText(value.ToString()));
        else if (value is long || value is int) words.Add("i" + Digits(value is int ? (int)value : (long)value));
        else if (type.IsPrimitive) words.Add("i" + Convert.ToString(value, CultureInfo.InvariantCulture));
        else if (value is Array array) EncodeArray(array, 0, array.GetEnumerator(), kind, words);
        else if (IsBig(type)) words.Add("i" + Convert.ToString(value, CultureInfo.InvariantCulture));
        else if (IsTuple(type)) EncodeItems('t', TupleItems(value, type, new List<object>()), kind, words);
        else if (!IsSequence(value, type)) throw new Unreadable("a value of type " + type + " is not language-neutral");
        else if (value is IDictionary map) EncodeMap(map, kind, words);
        else EncodeItems(kind.Tag == 't' ? 't' : 'l', ItemsOf((IEnumerable)value), kind, words);
    }

    static List<object> ItemsOf(IEnumerable sequence)
    {
        var items = new List<object>();
        foreach (object item in sequence) items.Add(item);
        return items;
    }

    /// Where an eighth item would stand is a tuple of the rest.
    static List<object> TupleItems(object tuple, Type type, List<object> items)
    {
        int count = type.GetGenericArguments().Length;
        for (int i = 0; i < count; i++)
        {
            string name = i == 7 ? "Rest" : "Item" + Digits(i + 1);
            object item = type.GetField(name)?.GetValue(tuple) ?? type.GetProperty(name)?.GetValue(tuple);
            if (i == 7 && item != null && IsTuple(item.GetType())) TupleItems(item, item.GetType(), items); else items.Add(item);
        }
        return items;
    }

    static void EncodeItems(char tag, List<object> items, Kind kind, List<string> words)
    {
        words.Add(tag + Digits(items.Count));
        for (int i = 0; i < items.Count; i++) Encode(items[i], kind.At(i), words);
    }

    /// One list for each of its dimensions; `cells` come row by row.
    static void EncodeArray(Array array, int dimension, IEnumerator cells, Kind kind, List<string> words)
    {
        int count = array.GetLength(dimension);
        words.Add((kind.Tag == 't' ? "t" : "l") + Digits(count));
        for (int i = 0; i < count; i++)
            if (dimension + 1 < array.Rank) EncodeArray(array, dimension + 1, cells, kind.At(i), words);
            else { cells.MoveNext(); Encode(cells.Current, kind.At(i), words); }
    }

    static void EncodeMap(IDictionary map, Kind kind, List<string> words)
    {
        var items = new List<object>();
        foreach (DictionaryEntry entry in map) { items.Add(entry.Key); items.Add(entry.Value); }
        words.Add("m" + Digits(items.Count / 2));
        for (int i = 0; i < items.Count; i++) Encode(items[i], kind.At(i % 2), words);
    }

    // --- the run ---

    static string Describe(Exception error)
    {
        string text = error.GetType().FullName + ": " + error.Message;
        return EncodeText(text.Length > 300 ? text.Substring(0, 300) : text);
    }

    static MethodInfo Find(string name, int parameters)
    {
        const BindingFlags every = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        program = Assembly.LoadFile("/work/program.dll");
        Type[] types = program.GetTypes();
        foreach (bool named in new[] { true, false })
            foreach (Type type in types)
                if (type.Name == "Solution" == named)
                    foreach (MethodInfo method in type.GetMethods(every))
                        if (method.Name == name && method.GetParameters().Length == parameters) return method;
        throw new MissingMethodException("the program defines no method '" + name + "' with " + parameters + " parameters");
    }

    /// A sequence is made while it is read, by the program: what it throws then is the program's too.
    static string Result(MethodInfo method, string line, Kind kind)
    {
        try
        {
            object owner = method.IsStatic ? null : Activator.CreateInstance(method.DeclaringType, true);
            string[] parts = Split(line, '\t');
            ParameterInfo[] parameters = method.GetParameters();
            var arguments = new object[parameters.Length];
            for (int i = 0; i < arguments.Length; i++) arguments[i] = Decode(new Words(parts[i]), parameters[i].ParameterType);
            var words = new List<string>();
            Encode(method.Invoke(owner, arguments), kind, words);
            return "returned " + string.Join(" ", words);
        }
        catch (Unreadable error) { return "unreadable " + Describe(error); }
        catch (TargetInvocationException error) { return "raised " + Describe(error.InnerException ?? error); }
        catch (Exception error) { return "raised " + Describe(error); }
    }

    /// The console of Mono costs 3 ms, and it has no stream for a descriptor that it did not open.
    [DllImport("libc")]
    static extern IntPtr read(int descriptor, byte[] data, IntPtr count);

    [DllImport("libc")]
    static extern IntPtr write(int descriptor, IntPtr data, IntPtr count);

    /// The end of the process without Mono's own, which waits 50 ms for its threads.
    [DllImport("libc")]
    static extern void _exit(int code);

    static string ReadInput()
    {
        var text = new StringBuilder();
        var data = new byte[1 << 16];
        int size;
        while ((size = (int)read(0, data, (IntPtr)data.Length)) > 0) text.Append(Encoding.ASCII.GetString(data, 0, size));
        return text.ToString();
    }

    static void Send(string text)
    {
        byte[] data = Encoding.ASCII.GetBytes(text);
        GCHandle held = GCHandle.Alloc(data, GCHandleType.Pinned);
        for (int at = 0, written; at < data.Length; at += written)
        {
            written = (int)write(3, held.AddrOfPinnedObject() + at, (IntPtr)(data.Length - at));
            if (written <= 0) _exit(1);
        }
        held.Free();
    }

    static void Run(string[] lines)
    {
        string nonce = lines[0];
        Kind kind = Kind.Read(new Words(lines[3]));
        MethodInfo method = Find(lines[1], lines[2] == "" ? 0 : Split(lines[2], '\t').Length);
        int count = ParseInt(lines[4]);
        for (int i = 0; i < count; i++) Send(nonce + " " + Digits(i) + " " + Result(method, lines[5 + i], kind) + "\n");
        Send(nonce + " finished\n");
        _exit(0);
    }

    static void Main(string[] words)
    {
        string[] lines = Split(ReadInput(), '\n');
        var thread = new Thread(() =>
        {
            try { Run(lines); } catch (Exception error) { Console.Error.WriteLine(error); _exit(1); }
        }, ParseInt(words[0]) << 20);
        thread.Start();
        thread.Join();
    }
}
