using System.Net;
using Mesh.Simulation.Scenarios;
using Mesh.Simulation.Underlay;
using Mesh.Simulation.World;

namespace Mesh.Simulation.Tests.Underlay;

/// <summary>IPv4 and IPv6 on the underlay.</summary>
public sealed class FamilyTests
{
    private readonly TestUnderlay _world = new();

    [Fact]
    public void Who_has_both_sends_from_the_address_that_fits_and_is_reached_at_both()
    {
        Machine both = _world.AddPublic("198.18.0.1"), old = _world.AddPublic("198.18.0.2"), modern = _world.AddPublic("3fff::3");
        both.AttachOther(IPAddress.Parse("3fff::1"));
        var arrived = new[] { both, old, modern }.ToDictionary(static machine => machine, machine => _world.Listen(machine, 9));
        TestUnderlay.SendUdp(both, 9, new IPEndPoint(modern.Address, 9));
        TestUnderlay.SendUdp(both, 9, new IPEndPoint(old.Address, 9));
        TestUnderlay.SendUdp(modern, 9, new IPEndPoint(both.OtherAddress!, 9));
        TestUnderlay.SendUdp(old, 9, new IPEndPoint(both.Address, 9));
        TestUnderlay.SendUdp(old, 9, new IPEndPoint(modern.Address, 9));
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal("3fff::1", Assert.Single(arrived[modern]).From.Address.ToString());
        Assert.Equal("198.18.0.1", Assert.Single(arrived[old]).From.Address.ToString());
        Assert.Equal(2, arrived[both].Count);
        Assert.Equal((true, false, true), (both.Reaches(modern.Address), old.Reaches(modern.Address), old.Reaches(both.Address)));
    }

    [Fact]
    public void A_connection_to_an_address_of_a_family_that_one_does_not_have_fails_at_once()
    {
        Machine old = _world.AddPublic("198.18.0.1"), modern = _world.AddPublic("3fff::3");
        modern.Tcp.Listen(80, static _ => { });
        string? reason = null;
        old.Tcp.Connect(new IPEndPoint(modern.Address, 80)).Closed = why => reason = why;
        _world.Run(TimeSpan.FromMilliseconds(1));
        Assert.Equal("connection refused", reason);
    }

    [Fact]
    public void Machines_behind_NAT_with_IPv6_are_reached_over_it_until_their_site_is_cut_off()
    {
        NatBox box = _world.AddNat("198.18.0.1");
        Machine inside = _world.AddInside(box, "10.0.1.1"), modern = _world.AddPublic("3fff::3");
        inside.AttachOther(IPAddress.Parse("3fff::1"));
        var arrived = _world.Listen(inside, 9);
        Send();
        Assert.Single(arrived);
        _world.Internet.Isolate([box]);
        Send();
        Assert.Single(arrived);
        Assert.Equal(1, _world.Internet.Lost);

        void Send()
        {
            TestUnderlay.SendUdp(modern, 9, new IPEndPoint(inside.OtherAddress!, 9));
            _world.Run(TimeSpan.FromSeconds(1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Nodes_of_both_kinds_of_Internet_are_one_network(ulong seed)
    {
        Scenario scenario = ScenarioReader.Parse("""
            scenario {
              name = families
              parameters { hello = 4 s, client-count = 2, max-clients = 10 }
              sites = [
                { name = old, nodes = 3 }
                { name = modern, nodes = 3, underlay = ipv6 }
                { name = dual, nodes = 1, underlay = both }
                { name = home, nat = true, nodes = 2, underlay = both }
                { name = flat, nat = symmetric, nodes = 1 }
              ]
              steps = [ { do = await-joined }, { do = await-routes, within = 120 s }, { do = ping-all }, { do = wait, for = 60 s }, { do = ping-all } ]
            }
            """);
        var run = new ScenarioRun(scenario, seed);
        ScenarioResult result = run.Run();
        Assert.Empty(result.Violations);
        Assert.Equal(result.Digest, new ScenarioRun(scenario, seed).Run().Digest);
        // Nobody of one kind has a tunnel with somebody of the other.
        Assert.All(run.World.Nodes.Where(static node => node.Machine.Name.StartsWith("modern", StringComparison.Ordinal)), node =>
            Assert.DoesNotContain(Peers(run.World, node), static peer => peer.Machine.Name[..3] is "old" or "fla"));
        Assert.NotEmpty(run.World.Nodes.Where(static node => node.Machine.Name.StartsWith("modern", StringComparison.Ordinal)).SelectMany(node => Peers(run.World, node)));
    }

    private static IEnumerable<SimulatedNode> Peers(SimulatedNetwork world, SimulatedNode node) => node.Tunnels.Where(static tunnel => tunnel.State == Node.Tunnels.TunnelState.Up)
        .Select(tunnel => world.Nodes.Single(other => other.Identity!.Prefix == tunnel.Peer));
}
