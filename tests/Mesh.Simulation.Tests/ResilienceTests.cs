using System.Net;
using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.DataPlane;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Simulation.Ports;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests;

public sealed class ResilienceTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(100, 20).Select(i => (ulong)i)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_quickstart_is_clean_with_any_seed_and_repeats_itself(ulong seed)
    {
        Scenario scenario = ScenarioReader.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scenarios", "quickstart.conf")));
        // One packet in a hundred is lost, so of all the pings of all these runs some would be unanswered by mere chance.
        scenario = scenario with { Steps = [.. scenario.Steps.Select(s => s is PingAll ? new PingAll(Attempts: 10) : s)] };
        ScenarioResult first = new ScenarioRun(scenario, seed).Run();
        Assert.Empty(first.Violations);
        Assert.Equal(first.Digest, new ScenarioRun(scenario, seed).Run().Digest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_lossy_internet_converges(ulong seed)
    {
        SimulatedNetwork world = Overlay.Make(seed, open: 2, homes: [2, 2], new InternetOptions { Loss = 0.2 }).BootAll();
        world.AwaitRoutes(TimeSpan.FromMinutes(5));
        Assert.NotEqual(0, world.Internet.Lost);
    }

    [Fact]
    public void A_node_that_crashes_comes_back_as_the_same_node()
    {
        SimulatedNetwork world = Overlay.Make(seed: 1, open: 2, homes: [2]).BootAll();
        world.AwaitRoutes();
        SimulatedNode node = world.Find("home0-1")!;
        NodePrefix before = node.Identity!.Prefix;
        node.Machine.Crash();
        world.Run(TimeSpan.FromMinutes(2));
        Assert.All(world.Nodes.Where(n => n != node), n => Assert.DoesNotContain(n.Routes, r => r.Destination == before.Subnet(Overlay.Network)));
        // It finds its way back from what it has written, with nobody to ask.
        world.Registry.Machine.Crash();
        world.Boot(node);
        world.AwaitRoutes();
        Assert.Equal(before, node.Identity.Prefix);
        Assert.NotEqual(0UL, node.ParametersVersion);
        Assert.Empty(world.Unanswered());
    }

    [Fact]
    public void A_crash_in_the_middle_of_everything_loses_no_node()
    {
        SimulatedNetwork world = Overlay.Make(seed: 5, open: 2, homes: [3]).BootAll();
        DeterministicRandom random = world.ForkRandom();
        for (int i = 0; i < 30; i++)
        {
            world.Run(random.NextTimeSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(4)));
            SimulatedNode node = world.Nodes[random.Next(world.Nodes.Count)];
            if (node.Machine.System is null)
                world.Boot(node);
            else
                node.Machine.Crash();
        }

        foreach (SimulatedNode node in world.Nodes.Where(n => n.Machine.System is null))
            world.Boot(node);
        world.AwaitRoutes(TimeSpan.FromMinutes(5));
        // A route may still lead into a tunnel whose other end crashed without a word; that is noticed soon. And a ping may be lost by chance.
        IReadOnlyList<string> unanswered = world.Unanswered();
        for (int i = 0; i < 8 && unanswered.Count > 0; i++)
        {
            world.Run(TimeSpan.FromSeconds(5));
            unanswered = world.Unanswered();
        }

        Assert.Empty(unanswered);
        Assert.Equal(5, world.Nodes.Select(n => n.Identity!.Prefix).Distinct().Count());
    }

    [Fact]
    public void Running_nodes_do_not_need_the_registry()
    {
        SimulatedNetwork world = Overlay.Make(seed: 2, open: 2, homes: [2, 2]).BootAll();
        world.AwaitRoutes();
        world.Registry.Machine.Crash();
        for (int i = 0; i < 12; i++)
        {
            world.Run(TimeSpan.FromMinutes(15));
            Assert.True(world.HasAllRoutes(), world.Describe());
        }

        Assert.Empty(world.Unanswered());
        // They heal without it, too.
        world.Find("open-2")!.Machine.Kill();
        world.AwaitRoutes();
        Assert.Empty(world.Unanswered());
    }

    [Fact]
    public void A_revoked_node_is_shut_out()
    {
        SimulatedNetwork world = Overlay.Make(seed: 3, open: 2, homes: [2]).BootAll();
        world.AwaitRoutes();
        SimulatedNode revoked = world.Find("home0-1")!;
        var parameters = new NetworkParameters
        {
            Version = NetworkVersion.Create(2, []),
            Protocol = 10,
            RegistryPrefix = revoked.Identity!.Prefix,
            RevokedSerials = [revoked.Identity.Certificate.SerialNumber],
        };
        foreach (SimulatedNode node in world.Nodes.Where(n => n != revoked))
            node.Machine.After(TimeSpan.FromMilliseconds(1), () => node.Machine.System!.EventStream.Publish(new NetworkParametersChanged(parameters)));
        world.Run(TimeSpan.FromMinutes(3));
        Ipv6Prefix subnet = revoked.Identity.Prefix.Subnet(Overlay.Network);
        foreach (SimulatedNode node in world.Nodes.Where(n => n != revoked))
        {
            Assert.DoesNotContain(node.Tunnels, t => t.Peer == revoked.Identity.Prefix && t.State == TunnelState.Up);
            Assert.DoesNotContain(node.Routes, r => r.Destination == subnet);
        }

        Assert.Empty(revoked.Routes);
    }

    [Fact]
    public void A_certificate_of_another_authority_gets_no_stream()
    {
        SimulatedNetwork world = Overlay.Make(seed: 4, open: 2, homes: []).BootAll();
        world.AwaitRoutes();
        var stranger = world.Nodes[1].Machine;
        stranger.Kill();
        var events = new List<StreamEvent>();
        ReadOnlyMemory<byte> certificate = ForeignCertificate(world.Nodes[1].Identity!);
        stranger.Boot(new EventSchema(), log: null, system =>
        {
            var streams = new SimulatedStreams(stranger, () => certificate, static _ => null);
            streams.Connect(new IPEndPoint(world.Nodes[0].Machine.Address, SimulatedNode.Port), TimeSpan.FromSeconds(5), system.ActorOf(Props.Create(() => new Notebook(events))));
        });
        world.Run(TimeSpan.FromSeconds(10));
        // It believes that it is connected until the other end has seen its certificate, as in TLS 1.3.
        Assert.IsType<StreamClosed>(events[^1]);
        Assert.DoesNotContain(events, e => e is FrameReceived);
        Assert.Empty(world.Nodes[0].Tunnels);
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    [InlineData(600)]
    [InlineData(-600)]
    public void Clocks_that_are_wrong_do_no_harm_once_certificates_are_valid_for_all(int seconds)
    {
        SimulatedNetwork world = Overlay.Make(seed: 6, open: 2, homes: [2]);
        world.Find("home0-1")!.Machine.ClockSkew = TimeSpan.FromSeconds(seconds);
        world.BootAll().AwaitRoutes(TimeSpan.FromMinutes(25));
        Assert.Empty(world.Unanswered());
    }

    [Fact]
    public void A_clock_that_is_years_off_says_so()
    {
        SimulatedNetwork world = Overlay.Make(seed: 6, open: 1, homes: [1]);
        SimulatedNode late = world.Find("home0-1")!;
        late.Machine.ClockSkew = TimeSpan.FromDays(-20_000);
        world.BootAll().Run(TimeSpan.FromSeconds(10));
        Assert.False(late.IsRunning);
        Assert.Contains("this machine's clock says 1971", late.JoinProblem, StringComparison.Ordinal);
    }

    private static ReadOnlyMemory<byte> ForeignCertificate(Node.NodeIdentity like)
    {
        DateTimeOffset begin = new(2025, 12, 1, 0, 0, 0, TimeSpan.Zero);
        CertificateAuthority authority = CertificateAuthority.Create(Overlay.Network, SimulationKeys.OfNode(7), "simulation", "registry@example.net", begin, begin.AddYears(5));
        var identity = new IssuedIdentity(like.Prefix, 1, 2, begin, begin.AddYears(1));
        Assert.Equal(RequestProblem.None, authority.TryIssue(new CertificateRequestBuilder().ToPem(SimulationKeys.OfNode(8)), identity, out NodeCertificate? certificate));
        return certificate!.Der.AsMemory();
    }

    private sealed class Notebook(List<StreamEvent> events) : Actor
    {
        protected override void Receive(object message) => events.Add((StreamEvent)message);
    }
}
