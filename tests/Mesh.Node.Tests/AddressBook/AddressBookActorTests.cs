using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Node.AddressBook;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.AddressBook;

public sealed class AddressBookActorTests
{
    private static readonly NodePrefix Self = Node(999);

    private readonly SimulatedDisk _disk = new();
    private ActorTestKit _kit = null!;
    private TestProbe _listener = null!;
    private ActorRef _book = null!;

    [Fact]
    public void What_is_seen_is_published_in_order_once_it_is_durable()
    {
        Start();
        _book.Tell(new PeersSeen([Entry(2, "b"), Entry(1, "a")]));
        _kit.Settle();
        Assert.Equal(0, _listener.PendingCount);
        Assert.Equal([Entry(1, "a"), Entry(2, "b")], _listener.ExpectMsg<KnownPeers>().Peers);
        See(Entry(2, "b"));
        _listener.ExpectNoMsg(TimeSpan.FromSeconds(1));
        Assert.Equal(2, _disk.CountOf("address-book"));
    }

    [Fact]
    public void Known_addresses_keep_their_order_new_ones_follow_and_those_that_are_gone_disappear()
    {
        Start();
        See(Entry(1, "a", "b", "c"));
        See(Entry(1, "d", "c", "a"));
        Assert.Equal(Entry(1, "a", "c", "d"), Assert.Single(LastPublished()));
        See(Entry(1));
        Assert.Equal(Entry(1), Assert.Single(LastPublished()));
    }

    [Theory]
    [InlineData("c,1,mesh")]
    [InlineData("c,1,mesh,FR")]
    [InlineData("c,1,mesh,DE")]
    public void Defect_the_address_that_worked_comes_first_whatever_its_country_and_stays_there(string worked)
    {
        Start();
        Assert.True(AddressList.TryParse("a,1,mesh;b,1,mesh,FR;c,1,mesh,FR", out AddressList addresses, out _));
        See(new PeerAddressEntry(Node(1), addresses));
        Assert.True(AdvertisedAddress.TryParse(worked, out AdvertisedAddress address));
        _book.Tell(new AddressWorked(Node(1), address));
        _kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("c,1,mesh,FR;a,1,mesh;b,1,mesh,FR", Assert.Single(LastPublished()).Addresses.ToString());
        // Told the same list again, and after a restart.
        See(new PeerAddressEntry(Node(1), addresses));
        _listener.ExpectNoMsg(TimeSpan.FromSeconds(1));
        Start();
        Assert.Equal("c,1,mesh,FR;a,1,mesh;b,1,mesh,FR", Assert.Single(LastPublished()).Addresses.ToString());
    }

    [Theory]
    [InlineData(1, "a")]
    [InlineData(1, "x")]
    [InlineData(2, "a")]
    public void An_address_that_is_first_or_not_known_changes_nothing(int node, string host)
    {
        Start();
        See(Entry(1, "a", "b"));
        LastPublished();
        _book.Tell(new AddressWorked(Node(node), Entry(node, host).Addresses[0]));
        _listener.ExpectNoMsg(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _disk.CountOf("address-book"));
    }

    [Fact]
    public void Neither_ourselves_nor_nodes_without_address_are_noted()
    {
        Start();
        See(new PeerAddressEntry(Self, Entry(1, "a").Addresses), Entry(2));
        _listener.ExpectNoMsg(TimeSpan.FromSeconds(1));
        Assert.Equal(0, _disk.CountOf("address-book"));
    }

    [Fact]
    public void A_full_book_forgets_somebody_for_each_newcomer_and_not_always_the_same()
    {
        Start();
        See([.. Enumerable.Range(1, 200).Select(n => Entry(n, "a"))]);
        HashSet<NodePrefix> before = [.. LastPublished().Select(p => p.Prefix)];
        Assert.Equal(AddressBookActor.Capacity, before.Count);
        var forgotten = new HashSet<int>();
        for (int n = 300; n < 340; n++)
        {
            See(Entry(n, "a"));
            HashSet<NodePrefix> after = [.. LastPublished().Select(p => p.Prefix)];
            Assert.Equal(AddressBookActor.Capacity, after.Count);
            Assert.Contains(Node(n), after);
            forgotten.Add((int)Assert.Single(before.Except(after)).Value);
            before = after;
        }

        Assert.Equal(40, forgotten.Count);
        Assert.NotInRange(forgotten.Average(), 1, 30);   // neither the first ones
        Assert.NotInRange(forgotten.Average(), 170, 400);   // nor the last ones
    }

    [Fact]
    public void More_newcomers_at_once_than_there_is_room_for_do_no_harm()
    {
        Start();
        See([.. Enumerable.Range(1, 150).Select(n => Entry(n, "a"))]);
        See([.. Enumerable.Range(200, 700).Select(n => Entry(n, "a"))]);
        Assert.Equal(0, _kit.System.FailureCount);
        Assert.Equal(AddressBookActor.Capacity, LastPublished().Count);
    }

    [Fact]
    public void The_book_survives_a_restart()
    {
        Start();
        See(Entry(1, "a", "b"), Entry(2, "c"));
        See(Entry(1, "b"));
        Start();
        Assert.Equal([Entry(1, "b"), Entry(2, "c")], _listener.ExpectMsg<KnownPeers>().Peers);
    }

    [Fact]
    public void An_empty_book_publishes_nothing()
    {
        Start();
        _listener.ExpectNoMsg(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void A_snapshot_and_the_events_after_it_make_up_the_same_book()
    {
        Start();
        for (int i = 0; i < 600; i++)
            See(Entry((i % 300) + 1, $"host{i}"));
        IReadOnlyList<PeerAddressEntry> before = LastPublished();
        int stored = _disk.CountOf("address-book");
        Start();
        Assert.Equal(before, LastPublished());
        Assert.True(stored > 600);
        // The snapshot spares us the events before it, even a damaged one.
        _disk.Corrupt("address-book", 10);
        Start();
        Assert.Equal(before, LastPublished());
    }

    [Theory]
    [InlineData("{\"Peer\":null,\"Addresses\":null}")]
    [InlineData("{}")]
    [InlineData("{\"Peer\":\"1/16\",\"Addresses\":null}")]
    [InlineData("{\"Peer\":\"65536/16\",\"Addresses\":\"a,1,mesh\"}")]
    [InlineData("{\"Peer\":\"-1/16\",\"Addresses\":\"a,1,mesh\"}")]
    [InlineData("{\"Peer\":\"nonsense\",\"Addresses\":\"a,1,mesh\"}")]
    [InlineData("{\"Peer\":\"1/16\",\"Addresses\":\";;;,,,\"}")]
    public void Malformed_events_are_passed_over(string stored)
    {
        Start();
        See(Entry(1, "a"));
        See(Entry(2, "b"));
        _disk.Replace("address-book", new JournalEvent(1, "node.peer-addresses-changed", 1, System.Text.Encoding.UTF8.GetBytes(stored), Identities.Now));
        Start();
        IReadOnlyList<PeerAddressEntry> published = LastPublished();
        Assert.Contains(Entry(2, "b"), published);
        Assert.All(published, p => Assert.True(p == Entry(2, "b") || p == Entry(1)));
        Assert.Equal(0, _kit.System.FailureCount);
    }

    [Fact]
    public void What_comes_in_many_pieces_is_published_at_once_and_then_ten_times_a_second()
    {
        Start();
        for (int node = 1; node <= 50; node++)
        {
            _book.Tell(new PeersSeen([Entry(node, "h")]));
            _kit.Advance(TimeSpan.FromMilliseconds(10));
        }

        _kit.Advance(TimeSpan.FromMilliseconds(100));
        KnownPeers[] published = [.. _listener.ReceiveAll().Cast<KnownPeers>()];
        Assert.Equal([1, 11, 21, 31, 41, 50], published.Select(static known => known.Peers.Length));
    }

    private static NodePrefix Node(int number) => new((UInt128)number, 16);

    private static PeerAddressEntry Entry(int number, params string[] hosts) =>
        new(Node(number), new AddressList(hosts.Select(h => new AdvertisedAddress(h, 1326, AddressProtocol.Mesh))));

    private void Start()
    {
        _kit = new ActorTestKit(schema: AddressBookActor.AddTo(new EventSchema()), disk: _disk);
        _listener = _kit.CreateProbe("listener");
        _kit.System.EventStream.Subscribe<KnownPeers>(_listener.Ref);
        _book = _kit.ActorOf(Props.Create(() => new AddressBookActor(Self)));
        _kit.Advance(TimeSpan.FromMilliseconds(20));
    }

    private void See(params PeerAddressEntry[] peers)
    {
        _book.Tell(new PeersSeen([.. peers]));
        _kit.Advance(TimeSpan.FromMilliseconds(120));
    }

    private IReadOnlyList<PeerAddressEntry> LastPublished() => ((KnownPeers)_listener.ReceiveAll()[^1]).Peers;
}
