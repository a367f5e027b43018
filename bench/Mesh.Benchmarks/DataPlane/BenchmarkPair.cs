using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Mesh.Platform.Linux.Namespaces;

namespace Mesh.Benchmarks.DataPlane;

/// <summary>What one run of a TCP stream came to.</summary>
/// <param name="Gbps">Gbit/s of payload that arrived.</param>
/// <param name="Gigabytes">GB of payload that arrived.</param>
/// <param name="Retransmits">Segments that TCP sent again.</param>
internal sealed record StreamRun(double Gbps, double Gigabytes, long Retransmits);

/// <summary>Two machines with a link between them, and the programs that measure.</summary>
/// <remarks>192.0.2.1 and .2 are their addresses on the link (a veth pair of MTU 1500), 2001:db8:99::1 and ::2 those in the overlay.</remarks>
internal sealed class BenchmarkPair : IDisposable
{
    private const string Label = "mesh-bench";
    private const int PrefixLength = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public BenchmarkPair()
    {
        A = NetworkNamespace.Create(Label);
        try
        {
            B = NetworkNamespace.Create(Label);
            A.Connect("eth0", Underlay(1), B, "eth0", Underlay(2), 24);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NetworkNamespace A { get; }

    public NetworkNamespace B { get; } = null!;

    public static IPAddress Underlay(int end) => new([192, 0, 2, (byte)end]);

    public static UInt128 Overlay(int end) => ((UInt128)0x2001_0db8_0099_0000 << 64) + (uint)end;

    public static IPAddress OverlayAddress(int end)
    {
        Span<byte> octets = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(octets, Overlay(end));
        return new IPAddress(octets);
    }

    /// <summary>Removes what a run that was killed has left behind.</summary>
    public static void RemoveLeftovers() => NetworkNamespace.RemoveLeftovers(Label);

    public NetworkNamespace End(int number) => number == 1 ? A : B;

    /// <summary>Gives a link the overlay's address of an end, as soon as it is there.</summary>
    public void Configure(int end, string link)
    {
        Await(() => Exists(end, link), $"the interface {link}");
        End(end).Configure(link, OverlayAddress(end), PrefixLength);
        End(end).AwaitAddress(OverlayAddress(end));
    }

    /// <summary>Waits until the other end answers a ping.</summary>
    public void AwaitPing() => Await(() => A.Run(() => Ping(1, TimeSpan.Zero, TimeSpan.FromMilliseconds(200)).Count == 1), "an answer through the tunnel");

    public static void Await(Func<bool> condition, string what)
    {
        if (!SpinWait.SpinUntil(() => Try(condition), Patience))
            throw new TimeoutException($"{what} did not come within {Patience.TotalSeconds} s");
    }

    /// <summary>Sends as much as TCP lets it, in one stream.</summary>
    public StreamRun MeasureStream(TimeSpan duration)
    {
        using JsonDocument result = Iperf(duration);
        JsonElement end = result.RootElement.GetProperty("end"), received = end.GetProperty("sum_received");
        return new StreamRun(received.GetProperty("bits_per_second").GetDouble() / 1e9, received.GetProperty("bytes").GetDouble() / 1e9,
            end.GetProperty("sum_sent").GetProperty("retransmits").GetInt64());
    }

    /// <summary>Sends datagrams of 100 octets as fast as one program can.</summary>
    /// <returns>Thousands that arrived per second.</returns>
    public double MeasureSmallPackets(TimeSpan duration)
    {
        using JsonDocument result = Iperf(duration, "-u", "-b", "0", "-l", "100");
        JsonElement sum = result.RootElement.GetProperty("end").GetProperty("sum");
        return (sum.GetProperty("packets").GetDouble() - sum.GetProperty("lost_packets").GetDouble()) / sum.GetProperty("seconds").GetDouble() / 1000;
    }

    /// <summary>The median round trip of pings with nothing else going on, ms.</summary>
    public double MeasureRoundTrip(int count) => A.Run(() =>
    {
        List<double> times = Ping(count, TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(1));
        times.Sort();
        return times.Count > 0 ? times[times.Count / 2] : double.NaN;
    });

    public void Dispose()
    {
        A.Dispose();
        B?.Dispose();
    }

    private JsonDocument Iperf(TimeSpan duration, params string[] more)
    {
        string address = OverlayAddress(2).ToString(), seconds = Math.Max(1, (int)duration.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        Process server = B.Start(new ProcessStartInfo("iperf3", ["-s", "-1", "-B", address]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        Await(() => B.Run(() => IsListening(5201)), "the server of iperf3");
        Process client = A.Start(new ProcessStartInfo("iperf3", ["-c", address, "-t", seconds, "-J", .. more]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        Task<string> output = client.StandardOutput.ReadToEndAsync();
        if (!output.Wait(duration + Patience))
            throw new TimeoutException("iperf3 did not end");
        client.WaitForExit();
        server.WaitForExit((int)Patience.TotalMilliseconds);
        JsonDocument result = JsonDocument.Parse(output.Result);
        if (result.RootElement.TryGetProperty("error", out JsonElement error))
            throw new InvalidOperationException($"iperf3: {error.GetString()}");
        return result;
    }

    // A raw socket of the thread's namespace: /proc/net shows that of the thread, too.
    private static bool IsListening(int port) =>
        File.ReadLines("/proc/thread-self/net/tcp6").Any(line => line.Contains($":{port:X4} 0", StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3] == "0A");

    private static List<double> Ping(int count, TimeSpan pause, TimeSpan patience)
    {
        const byte EchoRequest = 128, EchoReply = 129;
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6);
        socket.ReceiveTimeout = (int)patience.TotalMilliseconds;
        var target = new IPEndPoint(OverlayAddress(2), 0);
        byte[] request = new byte[64], reply = new byte[1500];
        request[0] = EchoRequest;
        var times = new List<double>();
        for (ushort sequence = 1; sequence <= count; sequence++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(6), sequence);
            long start = Stopwatch.GetTimestamp();
            try
            {
                socket.SendTo(request, target);
                while (socket.Receive(reply) < 8 || reply[0] != EchoReply || BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(6)) != sequence)
                {
                    if (Stopwatch.GetElapsedTime(start) > patience)
                        break;
                }
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            catch (SocketException)
            {
                // no answer, or nowhere to send to yet
            }
            Thread.Sleep(pause);
        }

        return times;
    }

    private bool Exists(int end, string link) => End(end).Run(() => File.ReadLines("/proc/thread-self/net/dev").Any(line => line.TrimStart().StartsWith($"{link}:", StringComparison.Ordinal)));

    private static bool Try(Func<bool> condition)
    {
        Thread.Sleep(20);
        return condition();
    }
}
