using System.Collections.Immutable;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Invariants;

namespace Mesh.Simulation.Tests.Invariants;

/// <summary>Each invariant sees what it is for, and lets pass what its page says.</summary>
public sealed class InvariantTests
{
    private readonly FakeNode _a = new("a", 1), _b = new("b", 2), _c = new("c", 3);
    private readonly FakeRegistry _registry = new();

    [Fact]
    public void Nodes_with_overlapping_prefixes_are_named()
    {
        Assert.Empty(Look("overlapping-prefixes", 1));
        _c.Taken = new NodePrefix(2, 16).Append(true);
        Assert.Equal(["b", "c"], Assert.Single(Look("overlapping-prefixes", 1)).Machines);
        _b.Runs = false;
        Assert.Empty(Look("overlapping-prefixes", 1));
    }

    [Fact]
    public void Whoever_still_has_a_tunnel_with_a_revoked_node_in_time_is_named()
    {
        Invariant invariant = Find("revoked-isolated");
        FakeNode.Join(_a, _c);
        _b.Route(_c, _a);
        _registry.Revoke(_c);
        Assert.Empty(Look(invariant, 10));
        Assert.Empty(Look(invariant, 69));
        Assert.Contains("a still has a tunnel with c", Assert.Single(Look(invariant, 71)).Details, StringComparison.Ordinal);
        _a.Reachable = TimeSpan.FromSeconds(50);   // cut off until then
        Assert.Empty(Look(invariant, 72));
        _a.TunnelList.Clear();
        _a.Lose(_c);
        Assert.Equal("b still has a route to c, which was revoked 60 s ago or earlier", Assert.Single(Look(invariant, 73)).Details);
        _b.Lose(_c);
        Assert.Empty(Look(invariant, 74));
    }

    [Fact]
    public void Whoever_could_have_had_the_parameters_and_has_not_is_named()
    {
        (_registry.Version, _registry.At) = (2, TimeSpan.FromSeconds(10));
        (_a.Version, _b.Reachable, _c.Reachable) = (2, null, TimeSpan.FromSeconds(20));
        Assert.Empty(Look("parameters-spread", 79));
        Assert.Equal(["c"], Assert.Single(Look("parameters-spread", 80)).Machines);
        _registry.Revoke(_c);
        Assert.Empty(Look("parameters-spread", 80));
    }

    [Fact]
    public void Whoever_believes_in_a_version_that_nobody_published_is_named()
    {
        _b.Newest = 1000;
        Assert.Equal("it believes in version 1000; the registry has published 1", Assert.Single(Look("published-versions", 10)).Details);
        _registry.Up = TimeSpan.FromSeconds(6);
        Assert.Empty(Look("published-versions", 10));
    }

    [Fact]
    public void Neighbours_that_lose_each_other_over_a_step_of_the_rotation_are_named()
    {
        Invariant invariant = Find("rotation-connectivity");
        FakeNode.Join(_a, _b);
        Assert.Empty(Look(invariant, 101));
        _registry.Steps = 2;
        Assert.Empty(Look(invariant, 102));
        _a.Lose(_b);
        Assert.Empty(Look(invariant, 110));
        Assert.Empty(Look(invariant, 112));
        Assert.Equal(["a", "b"], Assert.Single(Look(invariant, 113)).Machines);
    }

    [Fact]
    public void Neighbours_to_whom_something_else_happens_during_a_rotation_are_passed_over()
    {
        Invariant invariant = Find("rotation-connectivity");
        FakeNode.Join(_a, _b);
        FakeNode.Join(_a, _c);
        Assert.Empty(Look(invariant, 101));
        _registry.Steps = 2;
        Assert.Empty(Look(invariant, 102));
        _b.Quiet = TimeSpan.FromSeconds(105);
        _a.Lose(_b);
        _a.Lose(_c);
        _a.Route(_c, _b);   // another way is good enough
        for (int i = 110; i < 120; i++)
            Assert.Empty(Look(invariant, i));
    }

    [Fact]
    public void Neighbours_to_whom_something_was_done_shortly_before_a_rotation_are_passed_over()
    {
        Invariant invariant = Find("rotation-connectivity");
        FakeNode.Join(_a, _b);
        _b.Quiet = TimeSpan.FromSeconds(50);   // as after a partition, which ends routes when it is over, too
        Assert.Empty(Look(invariant, 101));
        _registry.Steps = 2;
        Assert.Empty(Look(invariant, 102));
        _a.Lose(_b);
        for (int i = 110; i < 120; i++)
            Assert.Empty(Look(invariant, i));
    }

    [Fact]
    public void A_lock_that_leaves_no_other_way_is_named_once()
    {
        Invariant invariant = Find("orderly-closure");
        _a.Losses.Add(new LockLoss(TimeSpan.FromSeconds(40), 3, [_c.Subnet]));
        Assert.Equal("at 40.000 s it locked tunnel 3 and had no other way to c", Assert.Single(Look(invariant, 41)).Details);
        Assert.Empty(Look(invariant, 42));
        _c.Quiet = TimeSpan.FromSeconds(43);   // gone for another reason
        _a.Losses.Add(new LockLoss(TimeSpan.FromSeconds(44), 3, [_c.Subnet]));
        Assert.Empty(Look(invariant, 45));
    }

    [Fact]
    public void A_tunnel_that_is_locked_and_used_or_never_cut_is_named()
    {
        Invariant invariant = Find("orderly-closure");
        _a.TunnelList.Add(new TunnelView(1, _b.Prefix, IsUp: true, KillerState.Locked));
        _b.TunnelList.Add(new TunnelView(5, _a.Prefix, IsUp: true, KillerState.Locked));
        for (int i = 100; i < 130; i++)
            Assert.Empty(Look(invariant, i));
        Assert.Contains("neither cuts it", Assert.Single(Look(invariant, 130)).Details, StringComparison.Ordinal);
        _a.Route(_c, _b, tunnel: 1);
        Assert.Contains(Look(invariant, 200), static breach => breach.Details.Contains("over tunnel 1 with 2/16, which it has told to be locked", StringComparison.Ordinal));
    }

    [Fact]
    public void A_registry_that_forgets_is_caught()
    {
        Invariant invariant = Find("registry-memory");
        foreach (FakeNode node in (FakeNode[])[_a, _b, _c])
            _registry.Give(node);
        _registry.TokenList["t"] = new Token("", 16, 3, _registry.UtcNow.AddDays(1), null);
        _registry.Revoked[77] = new Mesh.Registry.Revocation.RevokedCertificate(_registry.UtcNow.AddDays(1), default);
        Assert.Empty(Look(invariant, 10));
        _registry.NodeList.RemoveAt(1);
        _registry.TokenList["t"] = _registry.TokenList["t"] with { UsesLeft = 4 };
        _registry.Revoked.Clear();
        (_registry.Version, _registry.Serial, _registry.Steps) = (0, 9, 0);
        Assert.Equal(
            [
                "it no longer knows prefix 2/16, which it gave to b", "it no longer knows that certificate 77 is revoked", "a token has 4 uses left, and had 3 before",
                "it has published version 0 after 1", "its last serial number is 9, and was 10 before", "it remembers 0 changes of the routing keys, and there were 1 before",
            ],
            Look(invariant, 12).Select(static breach => breach.Details),
            StringComparer.Ordinal);
    }

    [Fact]
    public void A_registry_that_gave_an_older_certificate_than_a_node_has_is_caught()
    {
        _registry.NodeList.Add(new RegisteredNode(_a.Prefix, null, "", 0, 0, _registry.UtcNow.AddDays(1)));
        _registry.Give(_b);
        _registry.Revoke(_c);   // its prefix may be free
        Assert.Equal("it no longer knows certificate 1, which it gave to a; it has 0", Assert.Single(Look("registry-memory", 10)).Details);
        _registry.Up = null;
        Assert.Empty(Look("registry-memory", 10));
    }

    [Fact]
    public void A_circle_is_named_and_whoever_was_just_switched_on_may_be_in_one()
    {
        var d = new FakeNode("d", 4);
        _a.Route(d, _b);
        _b.Route(d, _c);
        Assert.Empty(Look("routing-loops", 100, d));
        _c.Route(d, _b);
        Breach circle = Assert.Single(Look("routing-loops", 100, d));
        Assert.Equal(["b", "c"], circle.Machines.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal("their routes to d (2001:db8:42:4::/64) lead in a circle", circle.Details);
        _c.Quiet = TimeSpan.FromSeconds(41);
        Assert.Empty(Look("routing-loops", 100, d));
    }

    [Fact]
    public void Routing_through_a_neighbour_without_a_route_is_named_after_a_while()
    {
        Invariant invariant = Find("dead-ends");
        _a.Route(_c, _b);
        Assert.Empty(Look(invariant, 100));
        Assert.Empty(Look(invariant, 129));
        Assert.Equal(["a", "b"], Assert.Single(Look(invariant, 130)).Machines);
        _b.Route(_c, _c);
        Assert.Empty(Look(invariant, 131));
        _b.Lose(_c);
        Assert.Empty(Look(invariant, 132));
    }

    [Fact]
    public void A_sequence_number_that_is_used_again_is_named()
    {
        Invariant invariant = Find("seqno-forward");
        _a.Announces = FakeNode.Number(65535);
        Assert.Empty(Look(invariant, 1));
        _a.Announces = FakeNode.Number(2);   // it has come round
        Assert.Empty(Look(invariant, 3));
        _a.Announces = FakeNode.Number(1);
        Assert.Equal("it announces its prefix with number 1, and did with 2 before", Assert.Single(Look(invariant, 5)).Details);
        _a.Started = TimeSpan.FromSeconds(6);
        Assert.Contains("again", Assert.Single(Look(invariant, 7)).Details, StringComparison.Ordinal);
        _a.Announces = FakeNode.Number(1, routerId: 8);
        Assert.Contains("before", Assert.Single(Look(invariant, 9)).Details, StringComparison.Ordinal);
    }

    [Fact]
    public void A_route_to_nobodys_prefix_is_named()
    {
        Invariant invariant = Find("routes-to-members");
        _registry.Give(_b);
        _a.Route(_b, _b);
        Assert.Empty(Look(invariant, 1000));
        _a.Route(_c, _b);
        Assert.Equal("it has a route to 2001:db8:42:3::/64, which the registry gave to nobody", Assert.Single(Look(invariant, 1000)).Details);
        _a.Lose(_c);
        _registry.NodeList.Clear();
        Assert.Empty(Look(invariant, 1600));
        Assert.Single(Look(invariant, 1601));
    }

    [Fact]
    public void Every_invariant_has_a_page_that_says_all_of_it()
    {
        foreach (Invariant invariant in InvariantCatalogue.Create())
        {
            string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "invariants", $"{invariant.Name}.md"));
            Assert.StartsWith($"# {invariant.Name}\n\n{invariant.Says}\n", page, StringComparison.Ordinal);
            foreach (string title in (string[])["Why", "What is looked at", "A violation", "Grace", "Not looked at"])
                Assert.Contains($"\n## {title}\n\n", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_scenario_says_which_are_watched_and_how_long_they_wait()
    {
        Assert.Equal(InvariantCatalogue.Names, InvariantCatalogue.Create(ImmutableDictionary<string, InvariantSetting>.Empty).Select(static one => one.Name), StringComparer.Ordinal);
        var settings = new Dictionary<string, InvariantSetting>(StringComparer.Ordinal)
        {
            ["all"] = new(IsOn: false),
            ["dead-ends"] = new(IsOn: true, TimeSpan.FromSeconds(5)),
        };
        Invariant only = Assert.Single(InvariantCatalogue.Create(settings));
        Assert.Equal(("dead-ends", TimeSpan.FromSeconds(5)), (only.Name, only.Grace));
    }

    private static Invariant Find(string name) => InvariantCatalogue.Create().Single(one => one.Name == name);

    private Breach[] Look(string name, int seconds, params FakeNode[] more) => Look(Find(name), seconds, more);

    private Breach[] Look(Invariant invariant, int seconds, params FakeNode[] more) =>
        [.. invariant.Look(new NetworkView(Overlay.Network, TimeSpan.FromSeconds(seconds), [_a, _b, _c, .. more], _registry))];
}
