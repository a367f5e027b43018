using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mesh.Cli.Ping;
using Mesh.Cli.Tests.Processes;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Harness;

/// <summary>A machine of the underlay: a network namespace with one address.</summary>
internal sealed class Machine(NetworkNamespace space, IPAddress address, string directory)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public NetworkNamespace Space => space;

    public IPAddress Address => address;

    /// <summary>Where the node's files are.</summary>
    public string Directory => directory;

    /// <summary>Starts the program here, which runs until it is stopped.</summary>
    public MeshProcess StartMesh(params string[] args) => MeshProcess.Of(space.Start(MeshProcess.Command(args)));

    /// <summary>Runs a program here to its end, which has to be a good one.</summary>
    public string Run(string program, params string[] args)
    {
        Process process = space.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(Patience) && process.ExitCode == 0, $"{program} {string.Join(' ', args)}: {output} {errors.Result}");
        return output;
    }

    /// <summary>Pings until an answer comes.</summary>
    public async Task ReachAsync(string target, Func<string> explain)
    {
        using Pinger pinger = space.Run(static () => new Pinger(TimeSpan.FromMilliseconds(500)));
        await Eventually.TrueAsync(async () => (await pinger.RunAsync([IPAddress.Parse(target)], 1, TimeSpan.Zero, TestContext.Current.CancellationToken))[0].Received == 1, $"{target} answers {address}", explain);
    }

    /// <summary>Sends octets to another machine over TCP, and checks that they are what comes there.</summary>
    /// <param name="receiver">The other machine.</param>
    /// <param name="target">Its overlay address.</param>
    /// <param name="octets">How many.</param>
    public async Task TransferAsync(Machine receiver, string target, int octets)
    {
        byte[] sent = new byte[octets], received = new byte[octets];
        new Random(octets).NextBytes(sent);
        using Socket listener = receiver.Space.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        using Socket connection = space.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(target), 0));
        listener.Listen();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        ValueTask<Socket> accepting = listener.AcceptAsync(limit.Token);
        await connection.ConnectAsync(listener.LocalEndPoint!, limit.Token);
        using Socket accepted = await accepting;
        await using NetworkStream from = new(connection), to = new(accepted);
        Task sending = from.WriteAsync(sent, limit.Token).AsTask();
        await to.ReadExactlyAsync(received, limit.Token);
        await sending;
        Assert.True(sent.AsSpan().SequenceEqual(received));
    }

    /// <summary>Names of the links that are not of the underlay.</summary>
    public string[] Devices() => space.Run(static () =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Links().Select(static link => link.Name).Where(static name => name is not ("lo" or "under")).Order(StringComparer.Ordinal).ToArray();
    });

    /// <summary>A link.</summary>
    public LinkInfo Link(string name) => space.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.GetLink(name);
    });

    /// <summary>Routes that a node or a routing daemon has made.</summary>
    public KernelRoute[] Routes() => space.Run(static () =>
    {
        using var netlink = RouteNetlink.Open();
        return netlink.Routes().Where(static route => route.Protocol == KernelRoute.BabelProtocol).ToArray();
    });

    /// <summary>Numbers of the OpenVPN processes here, by the name of their device.</summary>
    public Dictionary<string, int> OpenVpnProcesses()
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string pid in Run("ip", "netns", "pids", space.Name).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] line;
            try
            {
                line = File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
            }
            catch (IOException)
            {
                continue;   // it has ended meanwhile
            }

            int device = Array.IndexOf(line, "--dev");
            if (line[0].EndsWith("openvpn", StringComparison.Ordinal) && device > 0)
                found[line[device + 1]] = int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture);
        }
        return found;
    }

    /// <summary>Whether the kernel forwards IPv6 packets.</summary>
    public bool IsForwarding() => space.Run(static () => File.ReadAllText("/proc/sys/net/ipv6/conf/all/forwarding").Trim() == "1");

    /// <summary>Waits until a TCP port of IPv4 is listened to. A client of OpenVPN as re6st starts it tries once and ends.</summary>
    public Task AwaitListenerAsync(int port) => Eventually.TrueAsync(
        () => space.Run(() => File.ReadLines("/proc/thread-self/net/tcp").Any(line => line.Contains($":{port:X4} 00000000:0000 0A", StringComparison.Ordinal))), $"port {port} is listened to");
}
