using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Mesh.Interop.Tests.Babel;

/// <summary>bird 2, with its control socket.</summary>
internal sealed class BirdDaemon : BabelDaemon
{
    private readonly DaemonOptions _options;

    public BirdDaemon(LabMachine machine, DaemonOptions options)
        : base(machine)
    {
        _options = options;
        Write(options.Key is { } key ? [key] : []);
        Launch("bird", "-f", "-c", ConfigurationPath, "-s", SocketPath, "-P", machine.File("bird.pid"));
        Assert.True(SpinWait.SpinUntil(() => File.Exists(SocketPath) || !IsRunning, TimeSpan.FromSeconds(10)) && IsRunning, $"bird did not start: {Said}");
    }

    private string SocketPath => Machine.File("bird.sock");

    private string ConfigurationPath => Machine.File("bird.conf");

    // Prefix ["from" Source] Nexthop Interface Metric F Seqno Expires; an asterisk in F is the selected route.
    /// <inheritdoc/>
    public override IReadOnlyList<DaemonRoute> Routes() => [.. Ask("show babel routes").Select(static line => line.Replace(" from ::/0", "", StringComparison.Ordinal).Replace(" from ", "|", StringComparison.Ordinal))
        .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(static words => words.Length >= 6 && words[0].Contains('/', StringComparison.Ordinal))
        .Select(static words => words.Select(static word => word.Replace("|", " from ", StringComparison.Ordinal)).ToArray())
        .Select(static words => new DaemonRoute(words[0], int.Parse(words[3], CultureInfo.InvariantCulture), words[1], words[4] == "*"))];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Neighbours() => [.. Ask("show babel neighbors").Where(static line => line.StartsWith("fe80", StringComparison.Ordinal))];

    /// <summary>Uses these keys from now on, to sign and to check.</summary>
    public void UseKeys(params DaemonKey[] keys)
    {
        Write(keys);
        Assert.Contains(Ask("configure"), static line => line.Contains("Reconfigured", StringComparison.Ordinal) || line.Contains("Reconfiguration", StringComparison.Ordinal));
    }

    private void Write(DaemonKey[] keys)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"log stderr all; router id 10.0.0.{Machine.Number};");
        text.AppendLine("protocol device { scan time 1; }");
        bool hasSources = _options.KnowsSources || _options.GatewayFor is not null;
        if (hasSources)
            text.AppendLine("ipv6 sadr table sadr6;");
        string channel = hasSources ? "ipv6 sadr { table sadr6;" : "ipv6 {";
        text.AppendLine(CultureInfo.InvariantCulture, $"protocol kernel {{ {channel} import none; export where source = RTS_BABEL; }}; }}");
        text.AppendLine("protocol kernel { ipv4 { import none; export where source = RTS_BABEL; }; }");
        foreach (bool isIpv6 in (bool[])[true, false])
        {
            string from = isIpv6 && hasSources ? " from ::/0" : "";
            List<string> routes = [.. _options.Announced.Where(prefix => prefix.Contains(':', StringComparison.Ordinal) == isIpv6).Select(prefix => $"route {prefix}{from} unreachable;")];
            if (isIpv6 && _options.GatewayFor is { } network)
                routes.Add($"route ::/0 from {network} unreachable;");
            text.AppendLine(CultureInfo.InvariantCulture, $"protocol static {{ {(isIpv6 ? channel + " }" : "ipv4")}; {string.Join(' ', routes)} }}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"protocol babel {{\n {channel} import all; export all; }};\n ipv4 {{ import all; export all; }};");
        foreach (string link in _options.Links)
        {
            text.Append(CultureInfo.InvariantCulture, $" interface \"{link}\" {{ type wired; hello interval 1 s; update interval 4 s; rxcost {_options.Costs.GetValueOrDefault(link, 96)}; next hop ipv4 192.0.2.{Machine.Number};");
            if (keys.Length > 0)
                text.Append(_options.IsPermissive ? " authentication mac permissive;" : " authentication mac;");
            foreach (DaemonKey key in keys)
                text.Append(CultureInfo.InvariantCulture, $" password {key.Hex} {{ algorithm {(key.IsBlake ? "blake2s128" : "hmac sha256")}; }};");
            text.AppendLine(" };");
        }

        text.AppendLine("}");
        File.WriteAllText(ConfigurationPath, text.ToString());
    }

    private List<string> Ask(string command)
    {
        if (!IsRunning)
            return [];
        using Process process = Process.Start(new ProcessStartInfo("birdc", ["-s", SocketPath, .. command.Split(' ')]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var lines = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
            lines.Add(line.Trim());
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(10)));
        return lines;
    }
}
