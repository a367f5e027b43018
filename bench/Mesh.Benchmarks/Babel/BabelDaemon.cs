using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Benchmarks.DataPlane;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Benchmarks.Babel;

/// <summary>A speaker on links of a machine: ours or babeld, as a process of its own that belongs to the machine's namespace.</summary>
internal abstract class BabelDaemon
{
    /// <summary>Between Hellos, of all speakers.</summary>
    public static readonly TimeSpan HelloInterval = TimeSpan.FromSeconds(4);

    /// <summary>Between full updates, of all speakers.</summary>
    public static readonly TimeSpan UpdateInterval = TimeSpan.FromSeconds(16);

    /// <summary>Its process.</summary>
    public abstract Process Process { get; }

    /// <summary>Routes that it knows, own prefixes not counted; -1 where it does not say.</summary>
    public abstract int Routes();

    /// <summary>Processor time that it has used.</summary>
    public TimeSpan ProcessorTime() => ProcessSample.PreciseProcessorTime(Process.Id);
}

/// <summary>Our speaker.</summary>
internal sealed class OurDaemon : BabelDaemon
{
    /// <summary>Starts it.</summary>
    /// <param name="space">Where.</param>
    /// <param name="address">Its link-local address.</param>
    /// <param name="own">Its own address.</param>
    /// <param name="prefixes">How many prefixes it announces; 0 for its own address.</param>
    /// <param name="installs">Whether the kernel gets its routes.</param>
    /// <param name="links">Names of its links.</param>
    public OurDaemon(NetworkNamespace space, IPAddress address, IPAddress own, int prefixes, bool installs, params string[] links)
    {
        string host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        Process = space.Start(new ProcessStartInfo(host,
        [
            Path.Combine(AppContext.BaseDirectory, "Mesh.Benchmarks.dll"), BabelEnd.Role, address.ToString(), own.ToString(), prefixes.ToString(CultureInfo.InvariantCulture), installs ? "install" : "keep", .. links,
        ])
        { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false });
    }

    /// <inheritdoc/>
    public override Process Process { get; }

    /// <summary>Waits until it speaks.</summary>
    public void AwaitReady() => ReadLine();

    /// <inheritdoc/>
    public override int Routes()
    {
        Process.StandardInput.WriteLine();
        return int.Parse(ReadLine(), CultureInfo.InvariantCulture);
    }

    private string ReadLine() => Process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("our speaker ended");
}

/// <summary>babeld, as the distribution has it.</summary>
internal sealed class BabeldDaemon : BabelDaemon
{
    private readonly string _socket;

    /// <summary>Starts it. It announces the machine's own addresses.</summary>
    /// <param name="space">Where.</param>
    /// <param name="directory">Where its files are.</param>
    /// <param name="installs">Whether the kernel gets its routes.</param>
    /// <param name="links">Names of its links.</param>
    public BabeldDaemon(NetworkNamespace space, DirectoryInfo directory, bool installs, params string[] links)
    {
        string file = Path.Combine(directory.FullName, space.Name);
        _socket = $"{file}.socket";
        var configuration = new StringBuilder();
        configuration.AppendLine(CultureInfo.InvariantCulture, $"local-path {_socket}");
        foreach (string link in links)
            configuration.AppendLine(CultureInfo.InvariantCulture, $"interface {link} type wired hello-interval {HelloInterval.TotalSeconds} update-interval {UpdateInterval.TotalSeconds}");
        if (!installs)
            configuration.AppendLine("install deny");
        File.WriteAllText($"{file}.conf", configuration.ToString());
        Process = space.Start(new ProcessStartInfo("babeld", ["-I", "", "-S", $"{file}.state", "-L", $"{file}.log", "-c", $"{file}.conf"]) { UseShellExecute = false });
        BenchmarkPair.Await(() => File.Exists(_socket), "babeld's socket");
    }

    /// <inheritdoc/>
    public override Process Process { get; }

    /// <inheritdoc/>
    public override int Routes()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Connect(new UnixDomainSocketEndPoint(_socket));
        socket.Send("dump\n"u8);
        // Everything first, then a look at it: babeld hangs up on those that do not read for a tenth of a second.
        var said = new MemoryStream();
        byte[] buffer = new byte[1 << 20];
        while (!IsWhole(said))
        {
            int length = socket.Receive(buffer);
            if (length == 0)
                return -1;
            said.Write(buffer, 0, length);
        }

        return Encoding.ASCII.GetString(said.GetBuffer(), 0, (int)said.Length).Split('\n').Count(static line => line.StartsWith("add route ", StringComparison.Ordinal));
    }

    // Its greeting ends with "ok", and its answer, too.
    private static bool IsWhole(MemoryStream said)
    {
        ReadOnlySpan<byte> text = said.GetBuffer().AsSpan(0, (int)said.Length);
        int greeting = text.IndexOf("\nok\n"u8);
        return greeting >= 0 && text.Length >= greeting + 8 && text.EndsWith("\nok\n"u8);
    }
}
