using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Mesh.Cli.Demo;
using Mesh.Cli.Tests;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Interop.Tests.Harness;

/// <summary>A router with one machine behind it: it translates addresses, lets nothing in by itself, and can run miniupnpd, which maps ports where it is asked to.</summary>
internal sealed class NatBox : IDisposable
{
    /// <summary>The link to the outside.</summary>
    public const string Outside = "wan";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly NetworkNamespace _space;
    private readonly TempFolder _folder = new();
    private readonly StringBuilder _said = new();
    private Process? _daemon;

    /// <summary>Makes one of a machine that has its link <see cref="Outside"/> and an address there.</summary>
    /// <param name="space">The router.</param>
    /// <param name="host">The machine behind it.</param>
    /// <param name="inside">The router's address there.</param>
    /// <param name="address">The machine's address.</param>
    public NatBox(NetworkNamespace space, NetworkNamespace host, IPAddress inside, IPAddress address)
    {
        (_space, Inside) = (space, inside);
        host.Connect("under", address, space, "lan", inside, 24);
        host.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.AddRoute(new KernelRoute(IPAddress.Any, 0) { Gateway = inside, Link = netlink.GetLink("under").Index });
        });
        space.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1"));
        DemoNetwork.Nft(space, $$"""
            table inet filter {
                chain miniupnpd { }
                chain prerouting_miniupnpd { }
                chain postrouting_miniupnpd { }
                chain forward { type filter hook forward priority 0; ct state established,related accept; iifname {{Outside}} jump miniupnpd; iifname {{Outside}} drop; }
                chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
                chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname {{Outside}} masquerade; }
            }
            """);
    }

    /// <summary>Its address towards the machine.</summary>
    public IPAddress Inside { get; }

    /// <summary>What miniupnpd has said so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>Starts miniupnpd.</summary>
    /// <param name="natPmp">Whether it speaks PCP and NAT-PMP.</param>
    /// <param name="upnp">Whether it speaks UPnP.</param>
    public void Serve(bool natPmp = true, bool upnp = true)
    {
        string config = _folder["miniupnpd.conf"];
        // Mappings may be as short as tests need them. Nothing is kept over a restart.
        File.WriteAllText(config, $"""
            ext_ifname={Outside}
            listening_ip=lan
            enable_natpmp={(natPmp ? "yes" : "no")}
            enable_upnp={(upnp ? "yes" : "no")}
            secure_mode=yes
            system_uptime=no
            min_lifetime=2
            max_lifetime=86400
            uuid=73a9cd68-a00e-4f8f-8412-8e4f34f3b0e3
            upnp_table_name=filter
            upnp_nat_table_name=filter
            upnp_forward_chain=miniupnpd
            upnp_nat_chain=prerouting_miniupnpd
            upnp_nat_postrouting_chain=postrouting_miniupnpd
            allow 1024-65535 0.0.0.0/0 1024-65535
            deny 0-65535 0.0.0.0/0 0-65535

            """);
        _daemon = _space.Start(new ProcessStartInfo("miniupnpd", ["-d", "-f", config, "-P", _folder["miniupnpd.pid"]]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        foreach (StreamReader output in new[] { _daemon.StandardOutput, _daemon.StandardError })
        {
            _ = Task.Run(async () =>
            {
                while (await output.ReadLineAsync() is { } line)
                {
                    lock (_said)
                        _said.AppendLine(line);
                }
            });
        }
    }

    /// <summary>Ends miniupnpd, and forgets what was mapped, as a router does that is switched off.</summary>
    public void Forget()
    {
        using (Process kill = Process.Start("kill", ["-TERM", _daemon!.Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        Assert.True(_daemon.WaitForExit(Patience), "miniupnpd does not end");
        foreach (string chain in (string[])["miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd"])
            DemoNetwork.Nft(_space, $"flush chain inet filter {chain}");
    }

    /// <summary>The ports that are mapped now, as <c>tcp 6626</c>, in order.</summary>
    public string[] Mappings()
    {
        Process nft = _space.Start(new ProcessStartInfo("nft", ["-n", "list", "chain", "inet", "filter", "prerouting_miniupnpd"]) { RedirectStandardOutput = true, UseShellExecute = false });
        string[] rules = [.. nft.StandardOutput.ReadToEnd().Split('\n').Where(static line => line.Contains("dnat", StringComparison.Ordinal))];
        nft.WaitForExit();
        return [.. rules.Select(static rule => $"{(rule.Contains("0x11", StringComparison.Ordinal) ? "udp" : "tcp")} {rule.Split("dport ")[1].Split(' ')[0]}").Order(StringComparer.Ordinal)];
    }

    public void Dispose() => _folder.Dispose();
}
