using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Babel;

/// <summary>babeld 1.12, with its local socket (reference page 17).</summary>
internal sealed class BabeldDaemon : BabelDaemon
{
    private const byte StaticProtocol = 4;   // RTPROT_STATIC

    public BabeldDaemon(LabMachine machine, DaemonOptions options)
        : base(machine)
    {
        foreach (string prefix in options.Announced)
            ChangeRoute(prefix, add: true);
        var configuration = new StringBuilder();
        configuration.AppendLine(CultureInfo.InvariantCulture, $"router-id {RouterId}");
        configuration.AppendLine(CultureInfo.InvariantCulture, $"local-path-readwrite {SocketPath}");
        if (options.Key is { } key)
            configuration.AppendLine(KeyLine(key));
        foreach (string link in options.Links)
        {
            configuration.Append(CultureInfo.InvariantCulture, $"interface {link} type wired split-horizon false hello-interval 1 update-interval 4 rxcost {options.Costs.GetValueOrDefault(link, 96)}");
            if (options.Key is not null)
                configuration.Append(" key k1");
            if (options.IsPermissive)
                configuration.Append(" accept-bad-signatures true");
            if (options.MeasuresRoundTrips)
                configuration.Append(" enable-timestamps true max-rtt-penalty 5000 rtt-max 500 rtt-decay 125");
            configuration.AppendLine();
        }

        configuration.AppendLine("redistribute local deny");
        if (options.GatewayFor is { } network)
        {
            ChangeRoute("::/0", add: true);
            configuration.AppendLine(CultureInfo.InvariantCulture, $"redistribute ip ::/0 eq 0 src-prefix {network}");
        }

        configuration.AppendLine(CultureInfo.InvariantCulture, $"redistribute proto {StaticProtocol}");
        File.WriteAllText(machine.File("babeld.conf"), configuration.ToString());
        string state = machine.File("babeld.state");
        if (!options.KeepsState)
            File.Delete(state);
        File.Delete(SocketPath);
        Launch("babeld", "-I", "", "-S", state, "-c", machine.File("babeld.conf"));
        Assert.True(SpinWait.SpinUntil(() => File.Exists(SocketPath) || !IsRunning, TimeSpan.FromSeconds(10)) && IsRunning, $"babeld did not start: {Said}");
    }

    /// <summary>Its router-id.</summary>
    public string RouterId => string.Create(CultureInfo.InvariantCulture, $"02:00:5e:ff:fe:00:00:{Machine.Number:x2}");

    private string SocketPath => Machine.File("babeld.sock");

    /// <inheritdoc/>
    public override IReadOnlyList<DaemonRoute> Routes() => [.. Dump("add route ").Select(static line => Words(line)).Select(static words =>
        new DaemonRoute(words["prefix"] + (words["from"] is "::/0" or "0.0.0.0/0" ? "" : $" from {words["from"]}"), int.Parse(words["metric"], CultureInfo.InvariantCulture), words["via"], words["installed"] == "yes"))];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Neighbours() => Dump("add neighbour ");

    /// <summary>A figure of a neighbour: cost, rxcost, reach, rtt, rttcost.</summary>
    public string? Of(LabMachine neighbour, string figure) =>
        Neighbours().Select(static line => Words(line)).FirstOrDefault(words => words["address"] == neighbour.LinkLocal.ToString())?.GetValueOrDefault(figure);

    /// <summary>Announces one prefix more.</summary>
    public void Announce(string prefix) => ChangeRoute(prefix, add: true);

    /// <summary>Takes one back.</summary>
    public void Withdraw(string prefix) => ChangeRoute(prefix, add: false);

    /// <summary>Replaces the key in its place, which takes effect with the next packet.</summary>
    public void ReplaceKey(DaemonKey key) => Assert.Equal("ok", Ask(KeyLine(key))[^1]);

    private static string KeyLine(DaemonKey key) => $"key id k1 type {(key.IsBlake ? "blake2s128" : "hmac-sha256")} value {key.Hex}";

    private static Dictionary<string, string> Words(string line)
    {
        string[] words = line.Split(' ');
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 3; i + 1 < words.Length; i += 2)   // add KIND POINTER name value name value
            pairs[words[i]] = words[i + 1];
        return pairs;
    }

    private string[] Dump(string kind) => IsRunning ? [.. Ask("dump").Where(line => line.StartsWith(kind, StringComparison.Ordinal))] : [];

    // One command, and its answer: babeld 1.12 mixes up those that come together.
    private List<string> Ask(string command)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Connect(new UnixDomainSocketEndPoint(SocketPath));
        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        ReadAnswer(reader);   // its greeting
        stream.Write(Encoding.ASCII.GetBytes(command + "\n"));
        return ReadAnswer(reader);
    }

    private static List<string> ReadAnswer(StreamReader reader)
    {
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            lines.Add(line);
            if (line is "ok" or "bad" || line.StartsWith("no", StringComparison.Ordinal))
                return lines;
        }

        throw new IOException($"babeld closed its socket after: {string.Join('\n', lines)}");
    }

    private void ChangeRoute(string prefix, bool add) => Machine.Space.Run(() =>
    {
        string[] parts = prefix.Split('/');
        using var netlink = RouteNetlink.Open();
        var route = new KernelRoute(IPAddress.Parse(parts[0]), int.Parse(parts[1], CultureInfo.InvariantCulture)) { Link = netlink.GetLink("lo").Index, Protocol = StaticProtocol };
        if (add)
            netlink.ReplaceRoute(route);
        else
            netlink.RemoveRoute(route);
    });
}
