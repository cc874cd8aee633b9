/// The D driver: calls one function of a program on each input and writes the results to a private descriptor.
///
/// It is compiled once; each program is compiled with a start module that names its function. Lines in and out are described in
/// docs/architecture/execution.md. Arguments are read as the types that the function declares.
module codemill;

import core.stdc.stdlib : strtod;
import core.sys.posix.unistd : _exit, posixRead = read, posixWrite = write;
import std.array : appender, join, split;
import std.bigint : BigInt;
import std.conv : to;
import std.format : format;
import std.math : isInfinity, isNaN;
import std.meta : staticMap;
import std.stdio : stdout;
import std.string : toStringz;
import std.traits;
import std.typecons : isTuple, Tuple;

private string take(ref string[] tokens, char wanted)
{
    if (tokens.length == 0 || tokens[0].length == 0 || tokens[0][0] != wanted)
        throw new Exception("the input has another type where the parameter needs '" ~ wanted ~ "'");
    string content = tokens[0][1 .. $];
    tokens = tokens[1 .. $];
    return content;
}

private char[] fromHex(string hex)
{
    auto text = new char[hex.length / 2];
    foreach (i, ref c; text) c = cast(char) hex[2 * i .. 2 * i + 2].to!ubyte(16);
    return text;
}

private string toHex(const(char)[] text)
{
    auto hex = appender!string;
    foreach (c; cast(const(ubyte)[]) text) hex ~= format!"%02x"(c);
    return hex.data;
}

/// The value at the beginning of the tokens, as a T.
T get(T)(ref string[] tokens)
{
    static if (is(T == bool)) return tokens.take('b') == "1";
    else static if (is(T == BigInt)) return BigInt(tokens.take('i'));
    else static if (isSomeChar!T)
    {
        auto text = tokens.take('s').fromHex.to!dstring;
        if (text.length != 1) throw new Exception("the string does not fit a character");
        return text[0].to!T;
    }
    else static if (isIntegral!T) return tokens.take('i').to!T;
    else static if (isFloatingPoint!T) return cast(T) strtod(tokens.take('f').toStringz, null);
    else static if (is(T == string)) return cast(string) tokens.take('s').fromHex;
    else static if (is(T == char[])) return tokens.take('s').fromHex;
    else static if (isSomeString!T) return tokens.take('s').fromHex.to!T;
    else static if (is(T == typeof(null))) { tokens.take('n'); return null; }
    else static if (isTuple!T)
    {
        if (tokens.take('t').to!size_t != T.Types.length) throw new Exception("the tuple has another length");
        T made;
        static foreach (i; 0 .. T.Types.length) made[i] = get!(T.Types[i])(tokens);  // GDC 12 loses a bool by reference
        return made;
    }
    else static if (isAssociativeArray!T)
    {
        T made;
        foreach (_; 0 .. tokens.take('m').to!size_t)
        {
            auto key = get!(KeyType!T)(tokens);
            made[key] = get!(ValueType!T)(tokens);
        }
        return made;
    }
    else static if (isStaticArray!T)
    {
        if (tokens.take('l').to!size_t != T.length) throw new Exception("the list has another length");
        T made;
        foreach (ref item; made) item = get!(typeof(item))(tokens);
        return made;
    }
    else static if (isArray!T)
    {
        alias Item = Unqual!(typeof(T.init[0]));
        auto made = new Item[tokens.take('l').to!size_t];
        foreach (ref item; made) item = get!Item(tokens);
        return cast(T) made;
    }
    else static assert(false, "no value of type " ~ T.stringof ~ " can be passed");
}

/// Appends the words of a value.
void put(T)(T value, ref string[] words)
{
    static if (is(T == typeof(null))) words ~= "n";
    else static if (is(T == bool)) words ~= value ? "b1" : "b0";
    else static if (isSomeChar!T) words ~= "s" ~ toHex([value].to!string);
    else static if (isIntegral!T) words ~= "i" ~ value.to!string;
    else static if (is(Unqual!T == BigInt)) words ~= "i" ~ value.to!string;
    else static if (isFloatingPoint!T)
        words ~= isNaN(value) ? "fnan" : isInfinity(value) ? (value > 0 ? "finf" : "f-inf") : format!"f%.17g"(cast(double) value);
    else static if (isSomeString!T) words ~= "s" ~ toHex(value.to!(const(char)[]));
    else static if (isTuple!T)
    {
        words ~= "t" ~ T.Types.length.to!string;
        foreach (field; value.expand) put(field, words);
    }
    else static if (isAssociativeArray!T)
    {
        words ~= "m" ~ value.length.to!string;
        foreach (key, item; value) { put(key, words); put(item, words); }
    }
    else static if (isArray!T)
    {
        words ~= "l" ~ value.length.to!string;
        foreach (item; value) put(item, words);
    }
    else static assert(false, "a value of type " ~ T.stringof ~ " is not language-neutral");
}

private string result(alias target)(string line)
{
    try
    {
        Tuple!(staticMap!(Unqual, Parameters!target)) arguments;
        auto parts = line.split("\t");
        static foreach (i; 0 .. arguments.Types.length)
        {{
            auto tokens = parts[i].split(" ");
            arguments[i] = get!(arguments.Types[i])(tokens);
        }}
        string[] words;
        static if (is(ReturnType!target == void)) { target(arguments.expand); words ~= "n"; }
        else put(target(arguments.expand), words);
        return "returned " ~ words.join(" ");
    }
    catch (Throwable problem)
    {
        string text = typeid(problem).toString ~ ": " ~ problem.msg.idup;
        return "raised " ~ toHex(text[0 .. text.length < 300 ? text.length : 300]);
    }
}

private void send(string line)
{
    for (line ~= "\n"; line.length > 0;)
    {
        auto written = posixWrite(3, line.ptr, line.length);
        if (written <= 0) _exit(1);
        line = line[written .. $];
    }
}

/// Calls the function on each case and ends the process.
int drive(alias target)()
{
    auto request = appender!string;
    char[65_536] buffer;
    for (long got; (got = posixRead(0, buffer.ptr, buffer.length)) > 0;) request ~= buffer[0 .. cast(size_t) got];
    string[] lines = request.data.split("\n");
    foreach (index; 0 .. lines[4].to!size_t) send(lines[0] ~ " " ~ index.to!string ~ " " ~ result!target(lines[5 + index]));
    send(lines[0] ~ " finished");
    stdout.flush();
    _exit(0);
    return 0;
}
