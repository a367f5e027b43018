using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Tests.LocalNode;

public sealed class LocalNodeActorTests
{
    private const byte Version = PeerCode.NetworkVersion, Address = PeerCode.Address, Information = PeerCode.NodeInformation, Topology = PeerCode.Topology;

    private readonly RegistryWorld _world = new();
    private readonly FakeLocalNode _node;
    private readonly ActorRef _actor;

    public LocalNodeActorTests()
    {
        _node = new FakeLocalNode(_world.Kit);
        _actor = Start(_world.Options.CallTimeout);
    }

    [Fact]
    public void Questions_have_the_octets_of_re6st_and_its_answers_are_read()
    {
        JsonElement[] loopback = [.. Vectors.Load("peer-udp.json").GetProperty("loopback").GetProperty("datagrams").EnumerateArray()];
        byte[] Hex(int index) => Convert.FromHexString(loopback[index].GetProperty("hex").GetString()!);
        Assert.Equal(Hex(0), new LocalDatagram(Node(0), Version, default).Encode());
        Assert.Equal(Hex(1), new LocalDatagram(Node(0), Address, default).Encode());
        Assert.Equal(Hex(3), new LocalDatagram(Node(0), Information, default).Encode());
        Assert.Equal(Hex(5), new LocalDatagram(Node(0), Topology, default).Encode());

        TestProbe asker = Ask(new AskAddress(Node(0)));
        _node.Deliver(Hex(2));
        Assert.Equal("192.0.2.0,1194,tcp,FR;192.0.2.0,1194,udp,FR", asker.ExpectMsg<AddressAnswered>().Addresses!.ToString());
        asker = Ask(new CollectVersions([Node(0)]));
        _node.Deliver(Hex(4));
        Assert.Equal("""{"0000000000000000":"0-test, Linux-test"}""", Text(asker.ExpectMsg<VersionsCollected>().Json));
        asker = Ask(new CollectTopology(Node(0)));
        _node.Deliver(Hex(6));
        Assert.Equal("""{"":["0/16"],"0/16":["2/16"],"32768/16":["0/16"]}""", Text(asker.ExpectMsg<TopologyCollected>(TimeSpan.FromSeconds(9)).Json));
    }

    [Fact]
    public void The_node_is_told_of_every_version_and_at_the_start()
    {
        Assert.Empty(_node.Sent);   // nobody has joined: there is no node
        _ = _world.Join("first");
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(new LocalDatagram(Node(0), Version, default), Assert.Single(_node.Sent).Datagram);
        _ = _world.Join("second");
        Assert.Equal(204, RevokeSecond());
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, _node.Sent.Count);

        var again = new FakeLocalNode(_world.Kit);
        _ = _world.Kit.ActorOf(Props.Create(() => new LocalNodeActor(_world.Authority.Network, _world.Actors.Registry, again, _world.Options.CallTimeout)));
        _world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(new LocalDatagram(Node(0), Version, default), Assert.Single(again.Sent).Datagram);
        Assert.Equal(2, Statistics().Notified);
    }

    [Fact]
    public void An_address_is_asked_again_while_there_is_no_session_yet()
    {
        _node.Answer(Node(1), Address, "192.0.2.1,1194,tcp");
        _node.WithoutSession.Add(Node(1));
        TestProbe asker = Ask(new AskAddress(Node(1)));
        Assert.Equal("192.0.2.1,1194,tcp", asker.ExpectMsg<AddressAnswered>().Addresses!.ToString());
        Assert.Equal(TimeSpan.FromMilliseconds(1020), asker.LastArrival);
        _world.Kit.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(2, _node.Sent.Count);
    }

    [Fact]
    public void A_silent_node_costs_three_seconds_and_then_nobody_waits()
    {
        TestProbe asker = Ask(new AskAddress(Node(1)));
        Assert.Null(asker.ExpectMsg<AddressAnswered>().Addresses);
        Assert.Equal(TimeSpan.FromSeconds(3), asker.LastArrival);
        Assert.Equal([0, 1, 2], _node.Sent.Select(static s => s.At.TotalSeconds));
        _node.Deliver(new LocalDatagram(Node(1), Address, default));
        asker.ExpectNoMsg(TimeSpan.FromSeconds(5));
        Assert.Equal((1, 1), (Statistics().Silent, Statistics().Unexpected));
    }

    [Fact]
    public void One_silent_peer_blocks_nobody_else()
    {
        _node.Answer(Node(2), Address, "192.0.2.2,1194,tcp");
        _node.Answer(Node(2), Information, "v, p");
        TestProbe silent = Ask(new AskAddress(Node(1)));
        TestProbe collecting = Ask(new CollectVersions([Node(1), Node(2)]));
        TestProbe other = Ask(new AskAddress(Node(2)));
        TestProbe administrator = _world.Kit.CreateProbe();
        administrator.Send(_world.Actors.Desk, new Registry.Calls.RegistryRequest("GET", "/isToken?token=t", System.Net.IPAddress.Loopback));
        Assert.Equal(204, administrator.ExpectMsg<Registry.Calls.RegistryResponse>().Status);
        Assert.InRange(administrator.LastArrival, TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
        Assert.NotNull(other.ExpectMsg<AddressAnswered>().Addresses);
        Assert.Equal(_node.Delay, other.LastArrival);
        Assert.Null(silent.ExpectMsg<AddressAnswered>().Addresses);
        Assert.Contains("null", Text(collecting.ExpectMsg<VersionsCollected>().Json), StringComparison.Ordinal);
    }

    [Fact]
    public void Everybody_who_asked_for_the_same_node_gets_the_answer()
    {
        TestProbe first = Ask(new AskAddress(Node(1)));
        TestProbe second = Ask(new AskAddress(Node(1)));
        _node.Deliver(new LocalDatagram(Node(1), Address, default));   // no address at all
        Assert.Equal(AddressList.Empty, first.ExpectMsg<AddressAnswered>().Addresses);
        Assert.Equal(AddressList.Empty, second.ExpectMsg<AddressAnswered>().Addresses);
    }

    [Fact]
    public void Datagrams_that_are_malformed_or_unexpected_are_counted_and_ignored()
    {
        TestProbe asker = Ask(new AskAddress(Node(1)));
        _node.Deliver([]);
        _node.Deliver("junk"u8.ToArray());
        _node.Deliver("012\0\u0001"u8.ToArray());
        _node.Deliver(new LocalDatagram(Node(2), Address, default));        // another node
        _node.Deliver(new LocalDatagram(Node(1), Information, default));    // another code
        _node.Deliver(new LocalDatagram(Node(1), 0x81, default));
        asker.ExpectNoMsg(TimeSpan.FromMilliseconds(1));
        LocalNodeStatistics statistics = Statistics();
        Assert.Equal((6, 3, 3), (statistics.Received, statistics.Malformed, statistics.Unexpected));
    }

    [Fact]
    public void Hostile_datagrams_change_nothing()
    {
        var random = new DeterministicRandom(5);
        TestProbe asker = Ask(new CollectVersions([Node(1)]));
        byte[] seed = new LocalDatagram(Node(2), Information, "a, b"u8.ToArray()).Encode();
        for (int round = 0; round < 5_000; round++)
        {
            byte[] octets = [.. seed];
            octets[random.Next(octets.Length)] = (byte)random.Next(256);
            octets = octets[..random.Next(octets.Length + 1)];
            if (LocalDatagram.TryDecode(octets, out LocalDatagram? decoded) && decoded.Prefix == Node(1))
                continue;
            _node.Deliver(octets);
        }

        Assert.Equal("""{"0000000000000001":null}""", Text(asker.ExpectMsg<VersionsCollected>().Json));
        Assert.Equal(0, _world.Kit.System.FailureCount);
    }

    [Fact]
    public void Versions_are_collected_until_three_seconds_of_silence()
    {
        _node.Answer(Node(0), Information, "1.0, Linux");
        _node.Answer(Node(1), Information, "quote \" and é");
        _node.WithoutSession.Add(Node(1));
        TestProbe asker = Ask(new CollectVersions([Node(0), Node(1), Node(2)]));
        using JsonDocument json = Json(asker.ExpectMsg<VersionsCollected>().Json);
        Assert.Equal("1.0, Linux", json.RootElement.GetProperty("0000000000000000").GetString());
        Assert.Equal("quote \" and é", json.RootElement.GetProperty("0000000000000001").GetString());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("0000000000000010").ValueKind);
        Assert.Equal(TimeSpan.FromMilliseconds(1020 + 3000), asker.LastArrival);
        Assert.Equal([0, 1, 2], _node.Sent.Where(static s => s.Datagram.Prefix == Node(2)).Select(static s => s.At.TotalSeconds));
    }

    [Fact]
    public void The_first_versions_and_topology_of_a_peer_without_session_are_not_null()
    {
        _node.Answer(Node(1), Information, "1.0, Linux");
        _node.WithoutSession.Add(Node(1));
        Assert.Equal("""{"0000000000000001":"1.0, Linux"}""", Text(Ask(new CollectVersions([Node(1)])).ExpectMsg<VersionsCollected>().Json));
        _node.Answer(Node(0), Topology, "1 2/16");
        _node.Answer(Node(2), Topology, "0 0/16");
        _node.WithoutSession.Add(Node(2));
        Assert.Equal("""{"":["0/16","2/16"],"0/16":["2/16"]}""", Text(Ask(new CollectTopology(Node(0))).ExpectMsg<TopologyCollected>().Json));
    }

    [Fact]
    public void When_all_have_answered_nobody_waits()
    {
        _node.Answer(Node(0), Information, "1.0, Linux");
        TestProbe asker = Ask(new CollectVersions([Node(0)]));
        _ = asker.ExpectMsg<VersionsCollected>();
        Assert.Equal(_node.Delay, asker.LastArrival);
        Assert.Equal("{}", Text(Ask(new CollectVersions([])).ExpectMsg<VersionsCollected>().Json));
    }

    [Fact]
    public void An_answer_that_is_not_UTF8_is_null_and_not_an_error()
    {
        _node.Answers[(Node(0), Information)] = [0xC3, 0x28];
        _node.Answers[(Node(1), Information)] = new byte[2000];
        _node.Answers[(Node(2), Information)] = [];
        _node.Answers[(Node(3), Information)] = "ok"u8.ToArray();
        _node.Answers[(Node(3), Address)] = [0xFF];
        TestProbe asker = Ask(new CollectVersions([Node(0), Node(1), Node(2), Node(3)]));
        Assert.Equal(
            """{"0000000000000000":null,"0000000000000001":null,"0000000000000010":null,"0000000000000011":"ok"}""", Text(asker.ExpectMsg<VersionsCollected>().Json));
        Assert.Null(Ask(new AskAddress(Node(3))).ExpectMsg<AddressAnswered>().Addresses);
        Assert.Equal(4, Statistics().Malformed);
    }

    [Fact]
    public void A_node_that_keeps_talking_does_not_hold_the_call_for_ever()
    {
        ImmutableArray<NodePrefix> nodes = [.. Enumerable.Range(0, 30).Select(Node)];
        TestProbe asker = Ask(new CollectVersions(nodes));
        for (int second = 1; second < 29; second++)
            _node.Deliver(new LocalDatagram(Node(second), Information, "late"u8.ToArray()), TimeSpan.FromSeconds(second));
        _ = asker.ExpectMsg<VersionsCollected>(TimeSpan.FromSeconds(29));
        Assert.Equal(TimeSpan.FromSeconds(20), asker.LastArrival);
    }

    [Fact]
    public void A_short_call_waits_shorter()
    {
        ActorRef actor = Start(TimeSpan.FromSeconds(4.5));
        TestProbe asker = _world.Kit.CreateProbe();
        asker.Send(actor, new AskAddress(Node(1)));
        _ = asker.ExpectMsg<AddressAnswered>();
        Assert.Equal(TimeSpan.FromSeconds(1.5), asker.LastArrival);
    }

    [Fact]
    public void Many_nodes_are_asked_in_small_batches()
    {
        ImmutableArray<NodePrefix> nodes = [.. Enumerable.Range(0, 3000).Select(Node)];
        foreach (NodePrefix node in nodes)
            _node.Answer(node, Information, "v");
        TestProbe asker = Ask(new CollectVersions(nodes));
        using JsonDocument json = Json(asker.ExpectMsg<VersionsCollected>().Json);
        Assert.Equal(3000, json.RootElement.EnumerateObject().Count(static p => p.Value.GetString() == "v"));
        Assert.Equal(3000, _node.Sent.Count);
        Assert.All(_node.Sent.GroupBy(static s => s.At), batch => Assert.InRange(batch.Count(), 1, NodeCollection.BatchSize));
        Assert.All(_node.Sent.Select(static s => s.At).Distinct().Pairwise(), gap => Assert.InRange(gap.Second - gap.First, TimeSpan.FromMilliseconds(10), TimeSpan.MaxValue));
    }

    [Fact]
    public void The_number_of_nodes_questions_and_collections_is_bounded()
    {
        TestProbe asker = Ask(new CollectVersions([.. Enumerable.Range(0, NodeCollection.MaxNodes + 5).Select(Node)]));
        Assert.Equal(NodeCollection.MaxNodes + 5, Json(asker.ExpectMsg<VersionsCollected>(TimeSpan.FromSeconds(25)).Json).RootElement.EnumerateObject().Count());
        Assert.Equal(NodeCollection.MaxNodes, _node.Sent.Select(static s => s.Datagram.Prefix).Distinct().Count());
        Assert.Contains(_world.Kit.Log.Entries, static e => e.Message.StartsWith("5 nodes were not asked", StringComparison.Ordinal));

        List<TestProbe> running = [.. Enumerable.Range(0, LocalNodeActor.MaxCollections).Select(i => Ask(new CollectVersions([Node(i)])))];
        TestProbe same = Ask(new CollectVersions([Node(0)]));
        _ = Ask(new CollectTopology(Node(0))).ExpectMsg<LocalNodeBusy>();
        Assert.Equal(Text(running[0].ExpectMsg<VersionsCollected>().Json), Text(same.ExpectMsg<VersionsCollected>().Json));

        TestProbe flood = _world.Kit.CreateProbe();
        for (int question = 0; question <= LocalNodeActor.MaxQuestions; question++)
            flood.Send(_actor, new AskAddress(Node(question)));
        Assert.Equal(1, flood.PendingCount);
        Assert.Equal(new AddressAnswered(Node(LocalNodeActor.MaxQuestions), null), flood.ExpectMsg<AddressAnswered>());
        _world.Kit.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(LocalNodeActor.MaxQuestions, flood.PendingCount);
    }

    [Fact]
    public void A_prefix_without_room_in_the_network_is_never_asked()
    {
        Assert.Null(Ask(new AskAddress(new NodePrefix(1, 81))).ExpectMsg<AddressAnswered>().Addresses);
        Assert.Equal("{\"" + new NodePrefix(1, 81).Bits + "\":null}", Text(Ask(new CollectVersions([new NodePrefix(1, 81)])).ExpectMsg<VersionsCollected>().Json));
        Assert.Empty(_node.Sent);
    }

    [Fact]
    public void Topology_goes_from_node_to_node()
    {
        _node.Answer(Node(0), Topology, "1 1/16 2/16");    // 0 -> 1, 2 -> 0
        _node.Answer(Node(1), Topology, "1 3/16 0/16");    // 1 -> 3, and 0 -> 1 again
        _node.Answer(Node(2), Topology, "1 0/16");
        _node.WithoutSession.Add(Node(2));
        _node.Answer(Node(3), Topology, "0 3/16");         // names itself: ignored
        TestProbe asker = Ask(new CollectTopology(Node(0)));
        Assert.Equal("""{"":["0/16","1/16","2/16"],"0/16":["1/16"],"1/16":["3/16"],"2/16":["0/16"]}""", Text(asker.ExpectMsg<TopologyCollected>().Json));
        Assert.Equal(TimeSpan.FromMilliseconds(1040), asker.LastArrival);
        Assert.Equal(1, Statistics().Malformed);
    }

    [Fact]
    public void A_liar_cannot_make_the_topology_endless()
    {
        int invented = 1;
        for (int liar = 0; liar < 40_000; liar++)
        {
            string text = "30" + string.Concat(Enumerable.Range(0, 30).Select(_ => string.Create(CultureInfo.InvariantCulture, $" {invented++}/30")));
            _node.Answer(new NodePrefix((UInt128)liar, liar == 0 ? 16 : 30), Topology, text);
        }

        TestProbe asker = Ask(new CollectTopology(Node(0)));
        using JsonDocument json = Json(asker.ExpectMsg<TopologyCollected>(TimeSpan.FromSeconds(25)).Json);
        Assert.InRange(_node.Sent.Select(static s => s.Datagram.Prefix).Distinct().Count(), 1, NodeCollection.MaxNodes);
        int edges = json.RootElement.EnumerateObject().Where(static p => p.Name.Length > 0).Sum(static p => p.Value.GetArrayLength());
        Assert.InRange(edges, 100_000, TopologyCollection.MaxEdges);
        Assert.InRange(asker.LastArrival, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    private static NodePrefix Node(int number) => new((UInt128)number, number < 65_536 ? 16 : 40);

    private ActorRef Start(TimeSpan callTimeout) =>
        _world.Kit.ActorOf(Props.Create(() => new LocalNodeActor(_world.Authority.Network, _world.Actors.Registry, _node, callTimeout)));

    private TestProbe Ask(LocalNodeCommand command)
    {
        TestProbe asker = _world.Kit.CreateProbe();
        asker.Send(_actor, command);
        return asker;
    }

    private int RevokeSecond()
    {
        _world.Admin.Send(_world.Actors.Desk, new Registry.Calls.RegistryRequest("GET", "/revoke?cn_or_serial=1%2F16", System.Net.IPAddress.Loopback));
        return _world.Admin.ExpectMsg<Registry.Calls.RegistryResponse>().Status;
    }

    private LocalNodeStatistics Statistics() => Ask(new GetLocalNodeStatistics()).ExpectMsg<LocalNodeStatistics>();

    private static string Text(ReadOnlyMemory<byte> json) => Encoding.UTF8.GetString(json.Span);

    private static JsonDocument Json(ReadOnlyMemory<byte> json) => JsonDocument.Parse(json);
}

internal static class SequenceExtensions
{
    public static IEnumerable<(T First, T Second)> Pairwise<T>(this IEnumerable<T> source)
    {
        List<T> all = [.. source];
        return all.Zip(all.Skip(1));
    }
}
