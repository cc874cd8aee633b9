using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Reflection;
using System.Text;
using System.Threading;

/// A resident C# compiler: sources come in on stdin, what was made goes out on stdout (the protocol stands in execution/compile_servers.py).
///
/// It is Mono's own compiler, called again and again by the entry that it has for that, which forgets one program before the next. Nothing
/// that it compiles is loaded. When it fails other than by refusing a program, it ends, and the next program meets a new one.
static class CodemillCompiler
{
    static readonly Stream In = Console.OpenStandardInput(), Out = new BufferedStream(Console.OpenStandardOutput());

    /// To read a library costs 6 ms, so System.dll is read for programs that say one of these words, and other libraries for those that are
    /// refused without them.
    static readonly string[] Words = { "Stack", "Queue", "Sorted", "LinkedList", "HashSet", "ISet", "Regex", "Diagnostics" };
    static readonly string[] Few = { "-noconfig", "-r:System.Core.dll" }, More = { "-noconfig", "-r:System.Core.dll", "-r:System.dll" };
    static readonly string[] All = { "-r:System.Core.dll", "-r:System.Numerics.dll" };

    static byte[] Read(int length)
    {
        var bytes = new byte[length];
        for (int at = 0, size; at < length; at += size)
            if ((size = In.Read(bytes, at, length - at)) == 0) Environment.Exit(0);
        return bytes;
    }

    static int ReadNumber() { return IPAddress.NetworkToHostOrder(BitConverter.ToInt32(Read(4), 0)); }

    static byte[] ReadBlock() { return Read(ReadNumber()); }

    static void Write(int number) { Out.Write(BitConverter.GetBytes(IPAddress.HostToNetworkOrder(number)), 0, 4); }

    static void Write(byte[] bytes) { Write(bytes.Length); Out.Write(bytes, 0, bytes.Length); }

    /// What the names of the files ask for: a library for the driver, a program, or a program inside the guard of script mode.
    static IEnumerable<string> OptionsFor(Dictionary<string, byte[]> sources)
    {
        yield return sources.ContainsKey("solution.cs") ? "-target:library" : "-target:exe";
        yield return "-out:" + Made(sources);
        if (!sources.ContainsKey("guard.cs")) yield break;
        yield return "-main:CodemillScript";
        yield return "-d:DEBUG;TRACE";
    }

    static string Made(Dictionary<string, byte[]> sources) { return sources.ContainsKey("solution.cs") ? "program.dll" : "main.exe"; }

    /// What it makes, or null and what it says.
    static byte[] Compile(MethodInfo compiler, IEnumerable<string> options, Dictionary<string, byte[]> sources, out string said)
    {
        var messages = new StringWriter();
        string[] words = options.Concat(OptionsFor(sources)).Concat(sources.Keys).ToArray();
        bool done = (bool)compiler.Invoke(null, new object[] { words, messages });
        said = messages.ToString();
        return done ? File.ReadAllBytes(Made(sources)) : null;
    }

    /// Compile in an empty folder, which is the current one. The answer is not sent before everything is gone.
    static void Answer(MethodInfo compiler, string[] options, Dictionary<string, byte[]> sources)
    {
        foreach (var source in sources) File.WriteAllBytes(source.Key, source.Value);
        bool more = sources.Values.Select(Encoding.UTF8.GetString).Any(text => Words.Any(text.Contains));
        string said;
        byte[] made = Compile(compiler, options.Concat(more ? More : Few), sources, out said)
            ?? Compile(compiler, options.Concat(All), sources, out said);
        foreach (string file in Directory.GetFiles(".")) File.Delete(file);
        Write(made == null ? -1 : 1);
        if (made != null) Write(Encoding.UTF8.GetBytes(Made(sources)));
        Write(made ?? Encoding.UTF8.GetBytes(said));
        Out.Flush();
    }

    static void Serve(string[] options)
    {
        string place = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location), "mcs.exe");
        MethodInfo compiler = Assembly.LoadFrom(place).GetType("Mono.CSharp.CompilerCallableEntryPoint").GetMethod("InvokeCompiler");
        Directory.SetCurrentDirectory(Directory.CreateDirectory("/tmp/program").FullName);
        while (true)
        {
            var sources = new Dictionary<string, byte[]>();
            for (int left = ReadNumber(); left > 0; left--)
            {
                string name = Encoding.UTF8.GetString(ReadBlock());
                sources[name] = ReadBlock();
            }
            Answer(compiler, options, sources);
        }
    }

    static void Main(string[] options)
    {
        Console.SetOut(Console.Error);
        var thread = new Thread(() =>
        {
            try { Serve(options); } catch (Exception error) { Console.Error.WriteLine(error); Environment.Exit(1); }
        }, 64 << 20);
        thread.Start();
        thread.Join();
    }
}
