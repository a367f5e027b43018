using Mesh.Actors;
using Mesh.Node;
using Mesh.Node.Certificates;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

/// <summary>Certificates that end, are renewed or are revoked while a whole network runs.</summary>
public sealed class CertificateTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly TimeSpan Step = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Certificates_and_the_authoritys_end_while_the_network_runs_and_no_tunnel_falls(ulong seed)
    {
        SimulatedNetwork world = Make(seed, lifetime: TimeSpan.FromHours(6), renewPeriod: TimeSpan.FromHours(2), homes: [1, 1]);
        RestartRegistry(world, authorityLifetime: TimeSpan.FromHours(10));   // shorter than it was, before anybody joins
        world.BootAll().AwaitRoutes();
        world.Run(TimeSpan.FromMinutes(5));   // of two tunnels that were opened at the same time one is gone by then
        string tunnels = Tunnels(world);
        DateTimeOffset firstEnd = world.Registry.Authority.NotAfter;
        world.Run(TimeSpan.FromHours(7));
        RestartRegistry(world, authorityLifetime: 3650 * Day);
        world.Run(TimeSpan.FromHours(17));
        Assert.Equal(tunnels, Tunnels(world));
        Assert.True(UtcNow(world) > firstEnd + TimeSpan.FromHours(13));
        Assert.All(world.Nodes, node =>
        {
            Assert.Equal((CertificateState.Valid, null), (node.Certificate!.State, node.Certificate.Problem));
            Assert.InRange(node.Certificate.Until, UtcNow(world) + TimeSpan.FromHours(1), UtcNow(world) + TimeSpan.FromHours(6));
            Assert.Equal(world.Registry.Authority.NotAfter, node.Certificate.AuthorityUntil);
        });
        // Everybody renewed about every four hours: no more often than needed.
        Assert.InRange(world.Nodes.Max(node => node.Certificate!.SerialNumber), 15ul, 30ul);
        Assert.Empty(world.Unanswered());
        // A renewed identity is what a node starts with.
        world.Nodes[1].Machine.Crash();
        world.Boot(world.Nodes[1]);
        world.AwaitRoutes();
        Assert.Equal(CertificateState.Valid, world.Nodes[1].Certificate!.State);
    }

    [Fact]
    public void A_registry_that_is_away_for_a_week_when_certificates_are_to_be_renewed_is_not_missed()
    {
        SimulatedNetwork world = Make(seed: 3, lifetime: 27 * Day, renewPeriod: 9 * Day, homes: [1]).BootAll();
        world.AwaitRoutes();
        world.Run(TimeSpan.FromMinutes(5));
        string tunnels = Tunnels(world);
        ulong[] serials = Serials(world);
        world.Run(17.5 * Day);
        Assert.Equal(serials, Serials(world));
        world.Registry.Machine.Crash();
        world.Run(7 * Day);
        Assert.All(world.Nodes, node => Assert.Equal((CertificateState.Renewing, true), (node.Certificate!.State, node.Certificate.Problem is not null)));
        world.BootRegistry();
        world.Run(1.5 * Day);
        Assert.All(world.Nodes, node => Assert.Equal((CertificateState.Valid, null), (node.Certificate!.State, node.Certificate.Problem)));
        Assert.All(Serials(world).Zip(serials), pair => Assert.NotEqual(pair.First, pair.Second));
        world.Run(2 * Day);   // beyond the end of the first ones
        Assert.Equal(tunnels, Tunnels(world));
        Assert.Empty(world.Unanswered());
    }

    [Fact]
    public void Where_nobody_renews_all_service_ends_in_time_and_begins_again_with_the_registry()
    {
        SimulatedNetwork world = Make(seed: 4, lifetime: TimeSpan.FromHours(6), renewPeriod: TimeSpan.FromHours(2), homes: [1, 1]).BootAll();
        world.AwaitRoutes();
        world.Run(TimeSpan.FromHours(2));
        world.Registry.Machine.Crash();
        world.Run(TimeSpan.FromHours(3.9));
        Assert.True(world.HasAllRoutes(), world.Describe());   // as long as the certificates are good
        world.Run(TimeSpan.FromHours(0.2));
        Assert.All(world.Nodes, node =>
        {
            Assert.Equal(CertificateState.Expired, node.Certificate!.State);
            Assert.Empty(node.Tunnels);
            Assert.Empty(node.Routes);
        });
        world.Run(TimeSpan.FromHours(5));
        Assert.All(world.Nodes, node => Assert.Empty(node.Tunnels));
        world.BootRegistry();
        Assert.True(world.Engine.RunUntil(world.HasAllRoutes, TimeSpan.FromHours(2), Step), world.Describe());
        Assert.All(world.Nodes, node => Assert.Equal(CertificateState.Valid, node.Certificate!.State));
        Assert.Empty(world.Unanswered());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_node_that_is_made_to_renew_is_back_by_itself(ulong seed)
    {
        SimulatedNetwork world = Overlay.Make(seed, open: 2, homes: [2, 1]).BootAll();
        world.AwaitRoutes();
        world.Run(TimeSpan.FromMinutes(2));
        SimulatedNode node = world.Find("home0-1")!;
        ulong serial = node.Certificate!.SerialNumber;
        DateTimeOffset end = node.Certificate.Until;
        world.Registry.Order(new Revoke($"{serial}") { IsRenewable = true });
        // Nodes hear of it within the hour, in any order.
        Assert.True(world.Engine.RunUntil(() => world.Nodes.All(n => n.ParametersVersion == 2) && node.Certificate.SerialNumber != serial, TimeSpan.FromHours(2), Step), world.Describe());
        world.AwaitRoutes();
        Assert.Equal((CertificateState.Valid, end), (node.Certificate.State, node.Certificate.Until));
        Assert.True(node.Certificate.SerialNumber > serial);
        world.Run(TimeSpan.FromMinutes(2));
        Assert.True(world.HasAllRoutes(), world.Describe());
        Assert.Empty(world.Unanswered());
    }

    [Theory]
    [InlineData(1, "by serial number")]
    [InlineData(2, "by name")]
    [InlineData(3, "by name, and its prefix is somebody else's")]
    public void A_node_that_is_shut_out_notices_it_and_stops_and_the_others_go_on(ulong seed, string how)
    {
        SimulatedNetwork world = Overlay.Make(seed, open: 3, homes: [2]);
        SimulatedNode late = world.Nodes[^1], node = world.Find("open-2")!;
        foreach (SimulatedNode early in world.Nodes.Where(n => n != late))
            world.Engine.At(world.Engine.Now + TimeSpan.FromMilliseconds(150 * (Array.IndexOf([.. world.Nodes], early) + 1)), () => world.Boot(early));
        world.Run(TimeSpan.FromSeconds(2));
        world.AwaitRoutes();
        NodePrefix prefix = node.Identity!.Prefix;
        world.Registry.Order(new Revoke(how.StartsWith("by name", StringComparison.Ordinal) ? prefix.CommonName : $"{node.Certificate!.SerialNumber}"));
        world.Run(TimeSpan.FromSeconds(1));
        if (how.EndsWith("somebody else's", StringComparison.Ordinal))
        {
            world.Boot(late);
            world.Run(TimeSpan.FromSeconds(5));
            Assert.Equal(prefix, late.Identity!.Prefix);
        }

        // It advertises its addresses every three minutes, and the registry denies to know it; so it need not wait for its peers to hear of it.
        Assert.True(world.Engine.RunUntil(() => node.Certificate!.State == CertificateState.Revoked, TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(10)), node.Certificate!.ToString());
        Assert.Contains("signed", node.Certificate.Problem, StringComparison.Ordinal);
        world.Run(TimeSpan.FromSeconds(30));
        Assert.Empty(node.Tunnels);
        Assert.Empty(node.Routes);
        SimulatedNode[] others = [.. world.Nodes.Where(n => n != node && n.IsRunning)];
        Assert.DoesNotContain(others.SelectMany(n => n.Tunnels), t => t.State == TunnelState.Up && t.Remote!.Address.Equals(node.Machine.Address));
        // A restart does not change it.
        node.Machine.Kill();
        world.Boot(node);
        world.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(CertificateState.Revoked, node.Certificate.State);
        Assert.Empty(node.Tunnels);
        node.Machine.Kill();
        world.AwaitRoutes(TimeSpan.FromMinutes(3));
        Assert.Empty(world.Unanswered());
    }

    // Slow timers, so that months pass in seconds: what is looked at here does not depend on them. But probes are
    // more frequent than a NAT router forgets a mapping (two minutes): Hellos at this interval would not get in otherwise.
    private static SimulatedNetwork Make(ulong seed, TimeSpan lifetime, TimeSpan renewPeriod, int[] homes)
    {
        var tunnel = new TunnelOptions
        {
            KeepAliveInterval = TimeSpan.FromMinutes(20),
            ProbeInterval = TimeSpan.FromSeconds(100),
            BlockedProbeInterval = TimeSpan.FromMinutes(20),
            RekeyInterval = TimeSpan.FromHours(12),
        };
        var world = new SimulatedNetwork(
            seed, Overlay.Network, new InternetOptions(), diameter: 40,
            new RegistryOptions { ClientCount = 1, MaxClients = 10, Hello = TimeSpan.FromSeconds(200), CertificateLifetime = lifetime, RenewPeriod = renewPeriod },
            new NodeOptions { RegistryUrl = "", Tunnels = new TunnelsOptions { Self = NodePrefix.Empty, Tick = TimeSpan.FromMinutes(2), MaxMoreDelay = TimeSpan.FromDays(2), Tunnel = tunnel } }, expectedNodes: 10);
        world.AddPublicNodes("open", 1);
        for (int site = 0; site < homes.Length; site++)
            world.AddNatSite($"home{site}", homes[site]);
        return world;
    }

    private static void RestartRegistry(SimulatedNetwork world, TimeSpan authorityLifetime)
    {
        world.Registry.RenewAuthority(UtcNow(world) - TimeSpan.FromMinutes(5), UtcNow(world) + authorityLifetime);
        world.Registry.Machine.Kill();
        world.BootRegistry();
    }

    private static DateTimeOffset UtcNow(SimulatedNetwork world) => world.Engine.Epoch + world.Engine.Now;

    private static ulong[] Serials(SimulatedNetwork world) => [.. world.Nodes.Select(node => node.Certificate!.SerialNumber)];

    private static string Tunnels(SimulatedNetwork world) =>
        string.Join('\n', world.Nodes.Select(node => $"{node.Machine.Name}: {string.Join(", ", node.Tunnels.Select(t => $"{t.Index} {t.Peer} {t.State}"))}"));
}
