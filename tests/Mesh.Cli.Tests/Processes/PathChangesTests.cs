using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Mesh.Cli.Shell;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Cli.Tests.Processes;

/// <summary>The way between two nodes changes under their traffic: an address, a firewall, a link that carries less.</summary>
public sealed class PathChangesTests
{
    private const int PingInterval = 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_client_whose_address_changes_is_heard_again_within_three_seconds_in_the_same_tunnel()
    {
        await using Pair pair = await Pair.StartAsync();
        JsonElement before = await pair.TunnelAsync("datagram");
        Task<TimeSpan> outage = pair.OutageAsync(seconds: 8);
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        pair.Right.Run(static () =>
        {
            using var netlink = RouteNetlink.Open();
            int link = netlink.GetLink("under").Index;
            netlink.RemoveAddress(link, IPAddress.Parse("10.99.0.2"), 24);
            netlink.AddAddress(link, IPAddress.Parse("10.99.0.3"), 24);
        });
        Pair.Execute(pair.Right, "ip", "route", "replace", "default", "via", "10.99.0.254");
        TimeSpan lost = await outage;
        Report($"roaming: packets were lost for {lost.TotalSeconds:0.00} s");
        Assert.InRange(lost, TimeSpan.Zero, TimeSpan.FromSeconds(3));
        // The stream has followed, too: what the registry's node sees is the new address, and the tunnel is the same.
        await pair.AwaitAsync("a stream from the new address", pair.LeftDirectory, static tunnel => tunnel.GetProperty("remote").GetString()!.StartsWith("10.99.0.3:", StringComparison.Ordinal));
        JsonElement after = await pair.TunnelAsync("datagram");
        Assert.Equal(before.GetProperty("index").GetInt32(), after.GetProperty("index").GetInt32());
        Assert.Contains("goes on in another control stream", pair.B.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Packets_go_in_the_stream_within_five_seconds_where_UDP_is_blocked_and_in_datagrams_again_where_it_is_not()
    {
        await using Pair pair = await Pair.StartAsync("node.tunnel.blocked-probe-interval=1s");
        await pair.TunnelAsync("datagram");
        Task<TimeSpan> outage = pair.OutageAsync(seconds: 8);
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        pair.Nft("add table ip block; add chain ip block in { type filter hook input priority 0; }; add rule ip block in udp dport 6626 drop");
        TimeSpan lost = await outage;
        Report($"UDP blocked: packets were lost for {lost.TotalSeconds:0.00} s");
        Assert.InRange(lost, TimeSpan.FromMilliseconds(PingInterval), TimeSpan.FromSeconds(5));
        await pair.TunnelAsync("stream");
        outage = pair.OutageAsync(seconds: 6);
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        pair.Nft("delete table ip block");
        await pair.TunnelAsync("datagram");
        Assert.InRange(await outage, TimeSpan.Zero, TimeSpan.FromMilliseconds(10 * PingInterval));
    }

    [Fact]
    public async Task A_TCP_stream_goes_on_where_a_link_begins_to_swallow_long_datagrams()
    {
        await using Pair pair = await Pair.StartAsync();
        await pair.TunnelAsync("datagram");
        byte[] sent = RandomNumberGenerator.GetBytes(4_000_000), received = new byte[sent.Length];
        using Socket listener = pair.Left.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse("2001:db8:42::1"), 0));
        listener.Listen(1);
        using Socket client = pair.Right.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken);
        using Socket server = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        await SendAsync(client, server, sent.AsMemory(..1_000_000), received.AsMemory(..1_000_000));
        pair.Narrow(mtu: 1400);
        long start = Stopwatch.GetTimestamp();
        await SendAsync(client, server, sent.AsMemory(1_000_000..), received.AsMemory(1_000_000..));
        Report($"a link of 1,400 octets: 3 MB went through it in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        Assert.True(sent.AsSpan().SequenceEqual(received));
        await pair.TunnelAsync("datagram");
    }

    private static async Task SendAsync(Socket from, Socket to, ReadOnlyMemory<byte> sent, Memory<byte> received)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(TimeSpan.FromSeconds(60));
        Task sending = Task.Run(
            async () =>
            {
                while (sent.Length > 0)
                    sent = sent[await from.SendAsync(sent, late.Token)..];
            },
            late.Token);
        while (received.Length > 0)
        {
            int count = await to.ReceiveAsync(received, late.Token);
            Assert.NotEqual(0, count);
            received = received[count..];
        }

        await sending;
    }

    private static void Report(string text) => TestContext.Current.TestOutputHelper!.WriteLine(text);

    /// <summary>The registry's node on the left, which is called, and a node on the right, which calls.</summary>
    private sealed class Pair : IAsyncDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly List<MeshProcess> _processes = [];

        private Pair()
        {
            NeedsRoot.Check();
            Left = NetworkNamespace.Create("meshcli-l");
            Right = NetworkNamespace.Create("meshcli-r");
            Router = NetworkNamespace.Create("meshcli-m");
            Left.Connect("under", IPAddress.Parse("10.98.0.1"), Router, "left", IPAddress.Parse("10.98.0.254"), 24);
            Right.Connect("under", IPAddress.Parse("10.99.0.2"), Router, "right", IPAddress.Parse("10.99.0.254"), 24);
            Router.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
            Execute(Left, "ip", "route", "add", "default", "via", "10.98.0.254");
            Execute(Right, "ip", "route", "add", "default", "via", "10.99.0.254");
        }

        public NetworkNamespace Left { get; }

        public NetworkNamespace Right { get; }

        public NetworkNamespace Router { get; }

        public MeshProcess B => _processes[^1];

        public string LeftDirectory => _folder["a"];

        public static async Task<Pair> StartAsync(params string[] settings)
        {
            var pair = new Pair();
            try
            {
                await pair.StartAllAsync(settings);
                return pair;
            }
            catch
            {
                await pair.DisposeAsync();
                throw;
            }
        }

        public void Nft(string commands) => Demo.DemoNetwork.Nft(Left, commands);

        /// <summary>The router sends only so much in one packet to the left, and nobody hears of it.</summary>
        public void Narrow(int mtu)
        {
            Demo.DemoNetwork.Nft(Router, "add table ip mute; add chain ip mute out { type filter hook output priority 0; }; add rule ip mute out icmp type destination-unreachable drop");
            Router.Run(() =>
            {
                using var netlink = RouteNetlink.Open();
                netlink.SetMtu(netlink.GetLink("left").Index, mtu);
            });
        }

        public static void Execute(NetworkNamespace space, string program, params string[] arguments)
        {
            Process process = space.Start(new ProcessStartInfo(program, arguments));
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
        }

        /// <summary>Waits until the tunnel, seen from the right, takes that path.</summary>
        public Task<JsonElement> TunnelAsync(string path) => AwaitAsync($"the path {path}", _folder["b"], tunnel => tunnel.GetProperty("path").GetString() == path);

        public async Task<JsonElement> AwaitAsync(string what, string directory, Func<JsonElement, bool> condition)
        {
            long start = Stopwatch.GetTimestamp();
            string last = "";
            while (Stopwatch.GetElapsedTime(start) < Limit)
            {
                CliRun run = await CliRun.OfAsync("status", "--dir", directory, "--json");
                last = run.Out + run.Error;
                if (run.ExitCode == ExitCode.Ok && JoiningTests.Json(run) is var status && status.GetProperty("routes").GetArrayLength() > 0
                    && status.GetProperty("tunnels").EnumerateArray().ToArray() is [var tunnel] && condition(tunnel))
                {
                    return tunnel;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
            }

            throw new TimeoutException($"not {what} within {Limit.TotalSeconds:0} s: {last}\n{B.Errors}");
        }

        /// <summary>Pings from the right to the left all the time, and says for how long there were no answers, all in all.</summary>
        public async Task<TimeSpan> OutageAsync(int seconds)
        {
            await using MeshProcess process = Start(Right, "ping", "2001:db8:42::1", "--count", $"{seconds * 1000 / PingInterval}", "--interval", $"{PingInterval}", "--timeout", "1000", "--json");
            using var json = JsonDocument.Parse((await process.EndAsync()).Out);   // which says that it failed where a ping was lost
            JsonElement report = json.RootElement.EnumerateArray().Single();
            return TimeSpan.FromMilliseconds(PingInterval * (report.GetProperty("sent").GetInt32() - report.GetProperty("received").GetInt32()));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (MeshProcess process in Enumerable.Reverse(_processes))
                await process.DisposeAsync();
            Left.Dispose();
            Right.Dispose();
            Router.Dispose();
            _folder.Dispose();
        }

        private async Task StartAllAsync(string[] settings)
        {
            JoiningTests.Done(await CliRun.OfAsync("registry", "init", "--network", "2001:db8:42::/48", "--dir", _folder["r"]));
            _processes.Add(Start(Left, "registry", "run", "--dir", _folder["r"], "--listen", "10.98.0.1:6680"));
            string url = await _processes[0].ReadLineAsync();
            string token = JoiningTests.Done(await CliRun.OfAsync("registry", "token", "add", "--dir", _folder["r"], "--uses", "2")).Trim();
            foreach ((NetworkNamespace space, string name) in new[] { (Left, "a"), (Right, "b") })
            {
                await using MeshProcess join = Start(space, "join", "--registry", url, "--token", token, "--dir", _folder[name]);
                JoiningTests.Done(await join.EndAsync());
            }

            _processes.Add(Start(Left, "node", "run", "--dir", _folder["a"], "--advertise", "10.98.0.1:6626"));
            _processes.Add(Start(Right, ["node", "run", "--dir", _folder["b"], .. settings.SelectMany(static setting => new[] { "--set", setting })]));
            await AwaitAsync("a tunnel", _folder["b"], static _ => true);
        }

        private static MeshProcess Start(NetworkNamespace space, params string[] args) => MeshProcess.Of(space.Start(MeshProcess.Command(args)));
    }
}
