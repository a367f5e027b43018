using System.Net;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.AddressBook;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelsActorTests
{
    private static readonly IPEndPoint Listen = new(IPAddress.Any, 1326);

    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(100), ClientCount = 2, MaxClients = 3, Listen = Listen };

    [Fact]
    public void It_listens_where_it_was_told_and_escalates_where_it_cannot()
    {
        var world = new TunnelsWorld(Options);
        Assert.Equal((Listen, world.Manager), Assert.Single(world.Streams.Listeners));
        world.Manager.Tell(new StreamListening(Listen));
        world.Kit.Settle();
        Assert.Equal(0, world.Kit.System.FailureCount);
        world.Manager.Tell(new StreamListenFailed(Listen, "another program listens there"));
        world.Kit.Settle();
        var failure = Assert.IsType<PortUnavailableException>(world.Kit.System.LastFailure!.Reason);
        Assert.Equal("tunnels cannot be accepted at 0.0.0.0:1326: another program listens there", failure.Message);
    }

    [Fact]
    public void It_keeps_as_many_tunnels_open_as_it_should()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1, 2, 3, 4);
        Assert.Equal(2, world.Dialling.Count);
        int first = world.Dialling[0], second = world.Dialling[1];
        StreamId one = world.AnswerDial(first), two = world.AnswerDial(second);
        world.Live(TimeSpan.FromMinutes(1), one, two);
        Assert.Equal(2, world.Streams.Connects.Count);
        world.Close(one, "reset by the peer");
        world.Live(TimeSpan.FromSeconds(1), two);
        Assert.Equal(3, world.Streams.Connects.Count);
        Assert.NotEqual(second, world.Dialling[^1]);
    }

    [Fact]
    public void It_neither_dials_itself_nor_a_peer_that_it_has_a_tunnel_with_nor_one_without_usable_address()
    {
        var world = new TunnelsWorld(Options with { ClientCount = 10 });
        world.Call(3);
        world.Learn(
            TunnelsWorld.Known(100), TunnelsWorld.Known(3), TunnelsWorld.Known(4, "198.51.100.4,1194,udp"), TunnelsWorld.Known(5, "name.example,1326,mesh"),
            new PeerAddressEntry(TunnelsWorld.Node(6), AddressList.Empty), TunnelsWorld.Known(7, "198.51.100.7,1194,udp", "198.51.100.7,1326,mesh"));
        Assert.Equal([7], world.Dialling);
    }

    [Fact]
    public void The_network_parameters_say_how_many()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1, 2, 3, 4, 5);
        world.Kit.System.EventStream.Publish(new NetworkParametersChanged(Parameters(clientCount: 4, maxClients: 1)));
        world.Kit.Advance(Options.Tick * 2);
        Assert.Equal(4, world.Dialling.Count);
        world.Call(6);
        Assert.Equal(CloseReason.Busy, world.AskedToClose(world.Call(7))?.Reason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Retries_come_after_doubling_delays_within_their_bounds(ulong seed)
    {
        var world = new TunnelsWorld(Options with { MaxRetryDelay = TimeSpan.FromMinutes(1) }, seed);
        StreamId other = world.Call(9);   // so that it is not isolated, when it is less patient
        world.Learn(1);
        double expected = 5;
        for (int attempt = 1; attempt <= 7; attempt++)
        {
            Assert.Equal(attempt, world.Streams.Connects.Count);
            TimeSpan failedAt = world.Kit.Now;
            world.Close(world.DialTo(1));
            while (world.Streams.Connects.Count == attempt)
                world.Live(TimeSpan.FromSeconds(1), other);
            // Looked at every 5 s, so up to that much later.
            Assert.InRange((world.Kit.Now - failedAt).TotalSeconds, expected * 0.75, (expected * 1.25) + 6);
            expected = Math.Min(60, expected * 2);
        }
    }

    [Fact]
    public void An_isolated_node_is_less_patient()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        TimeSpan longest = TimeSpan.Zero;
        for (int attempt = 1; attempt <= 12; attempt++)
        {
            TimeSpan failedAt = world.Kit.Now;
            world.Close(world.DialTo(1));
            world.Kit.AwaitCondition(() => world.Streams.Connects.Count > attempt, "another attempt", TimeSpan.FromMinutes(10));
            longest = world.Kit.Now - failedAt > longest ? world.Kit.Now - failedAt : longest;
        }

        Assert.InRange(longest, Options.MaxIsolatedRetryDelay, Options.MaxIsolatedRetryDelay + Options.Tick);
    }

    [Fact]
    public void The_address_that_answered_is_told_to_the_address_book()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(TunnelsWorld.Known(1, "2001:db8::1,1327,mesh", "198.51.100.1,1326,mesh"));
        world.Close(world.Streams.Connects[0].Stream, "no route to host");
        Assert.Equal(["[2001:db8::1]:1327", "198.51.100.1:1326"], world.Streams.Connects.Select(static c => c.Remote.ToString()), StringComparer.Ordinal);
        world.AnswerDial(1);
        Assert.Equal("198.51.100.1", world.AddressBook.FishForMsg<AddressWorked>().Address.Host);
    }

    [Fact]
    public void All_addresses_of_a_peer_are_tried_and_each_gets_its_turn_to_be_the_first()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(TunnelsWorld.Known(1, "198.51.100.1,1326,mesh", "name.example,1,mesh", "2001:db8::1,1327,mesh"));
        for (int attempt = 1; attempt < 4; attempt++)
        {
            world.Close(world.Streams.Connects[^1].Stream);
            world.Kit.AwaitCondition(() => world.Streams.Connects.Count > attempt, "another attempt", TimeSpan.FromMinutes(2));
        }

        Assert.Equal(["198.51.100.1:1326", "[2001:db8::1]:1327", "[2001:db8::1]:1327", "198.51.100.1:1326"], world.Streams.Connects.Select(c => c.Remote.ToString()), StringComparer.Ordinal);
    }

    [Fact]
    public void Failures_of_nodes_that_nobody_knows_any_more_are_forgotten()
    {
        var world = new TunnelsWorld(Options);
        for (int round = 0; round < 50; round++)
        {
            world.Learn((2 * round) + 1, (2 * round) + 2);
            foreach (int peer in world.Dialling.ToArray())
                world.Close(world.DialTo(peer));
        }

        Assert.InRange(world.Actor!.RetryCount, 1, 2);
    }

    [Fact]
    public void A_peer_that_hangs_up_at_once_is_not_dialled_again_at_once()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        for (int i = 1; i <= 5; i++)
        {
            world.Close(world.AnswerDial(1), "closed by the peer");
            world.Kit.AwaitCondition(() => world.Streams.Connects.Count > i, "another attempt", TimeSpan.FromMinutes(2));
        }

        Assert.True(world.Kit.Now > TimeSpan.FromSeconds(15));
        // One that has lasted is dialled again soon.
        StreamId stream = world.AnswerDial(1);
        world.Live(TimeSpan.FromMinutes(1), stream);
        TimeSpan lost = world.Kit.Now;
        world.Close(stream, "reset by the peer");
        world.Kit.AwaitCondition(() => world.Streams.Connects.Count == 7, "another attempt");
        Assert.InRange(world.Kit.Now - lost, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(500));
    }

    [Fact]
    public void A_bootstrap_peer_is_asked_for_while_isolated_and_asked_for_again_later()
    {
        var world = new TunnelsWorld(Options with { ClientCount = 1 });
        world.Bootstrap.ExpectMsg<BootstrapWanted>();
        Assert.True(world.Kit.Now <= TimeSpan.FromMilliseconds(250));
        foreach (int delay in (int[])[1, 2, 4, 8, 10, 10])
        {
            TimeSpan asked = world.Kit.Now;
            world.Bootstrap.ExpectMsg<BootstrapWanted>(TimeSpan.FromSeconds(30));
            Assert.Equal(TimeSpan.FromSeconds(delay), world.Kit.Now - asked);
        }

        world.Learn(1);
        StreamId stream = world.AnswerDial(1);
        world.Bootstrap.ReceiveAll();
        world.Live(TimeSpan.FromMinutes(2), stream);
        Assert.Empty(world.Bootstrap.ReceiveAll());
        world.Close(stream, "reset by the peer");
        world.Bootstrap.ExpectMsg<BootstrapWanted>(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void A_node_with_too_few_tunnels_asks_for_others_less_and_less_often_until_it_hears_of_somebody_new()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        StreamId stream = world.AnswerDial(1);
        world.Bootstrap.ReceiveAll();
        var asked = new List<double>();
        for (int second = 0; second < 3600; second++)
        {
            world.Live(TimeSpan.FromSeconds(1), stream);
            asked.AddRange(world.Bootstrap.ReceiveAll().Select(_ => world.Kit.Now.TotalSeconds));
        }

        Assert.InRange(asked[0], 1, 10);
        Assert.InRange(asked.Count(a => a < 120), 3, 6);
        Assert.InRange(asked.Count, 8, 18);
        world.Learn(1, 2);
        world.Close(world.DialTo(2));
        world.Live(TimeSpan.FromSeconds(30), stream);
        Assert.NotEmpty(world.Bootstrap.ReceiveAll());
    }

    [Fact]
    public void A_bootstrap_peer_is_asked_for_although_there_are_always_attempts_under_way()
    {
        var world = new TunnelsWorld(Options);
        world.Learn([.. Enumerable.Range(1, 60)]);
        world.Bootstrap.ReceiveAll();
        world.Kit.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(world.Bootstrap.ReceiveAll());
        world.Kit.Advance(TimeSpan.FromSeconds(15));
        Assert.NotEmpty(world.Dialling);
        Assert.NotEmpty(world.Bootstrap.ReceiveAll());
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Of_two_tunnels_both_ends_give_up_the_one_that_the_smaller_prefix_opened(bool weAreSmaller, bool ownFirst)
    {
        int peer = weAreSmaller ? 200 : 50;
        var world = new TunnelsWorld(Options);
        world.Learn(peer);
        StreamId own, accepted;
        if (ownFirst)
        {
            own = world.AnswerDial(peer);
            accepted = world.Call(peer);
        }
        else
        {
            accepted = world.Call(peer);
            own = world.AnswerDial(peer);
        }

        (StreamId loser, StreamId winner) = weAreSmaller ? (own, accepted) : (accepted, own);
        world.Live(TimeSpan.FromSeconds(7), own, accepted);
        (StreamId doomed, DestroyTunnel order) = Assert.Single(world.TakeDoomed());
        Assert.Equal((loser, CloseReason.Duplicate, false), (doomed, order.Reason, order.IsForced));
        // Not one packet of it is lost: the winner has to carry the routes first.
        Assert.Null(world.AskedToClose(loser));
        world.Cut(loser);
        Assert.IsType<DoomedTunnelGone>(Assert.Single(world.Killer.ReceiveAll()));
        world.Live(TimeSpan.FromMinutes(1), winner);
        Assert.DoesNotContain(winner, world.Streams.Closed);
        Assert.Single(world.DataPlane.Tunnels);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(50)]
    public void A_tunnel_whose_peer_opens_another_is_asked_at_once_whether_it_still_works_and_nothing_is_destroyed_for_a_ghost(int peer)
    {
        var world = new TunnelsWorld(Options);
        world.Learn(peer);
        StreamId ghost = world.AnswerDial(peer);
        Assert.Empty(world.Sent(ghost, KeepAlive.Kind));
        StreamId fresh = world.Call(peer);
        Assert.Single(world.Sent(ghost, KeepAlive.Kind));
        Assert.Empty(world.Sent(fresh, KeepAlive.Kind));
        world.Close(ghost, "reset by the peer");
        world.Live(TimeSpan.FromSeconds(20), fresh);
        Assert.Empty(world.TakeDoomed());
        Assert.Null(world.AskedToClose(fresh));
        Assert.DoesNotContain(fresh, world.Streams.Closed);
    }

    [Fact]
    public void Of_two_tunnels_that_the_peer_opened_the_newer_one_stays()
    {
        var world = new TunnelsWorld(Options);
        StreamId old = world.Call(1), fresh = world.Call(1);
        Assert.Equal(CloseReason.Duplicate, world.AskedToClose(old)?.Reason);
        Assert.Null(world.AskedToClose(fresh));
    }

    [Fact]
    public void A_tunnel_that_is_still_in_the_exchange_of_keys_is_compared_when_it_comes_up()
    {
        var world = new TunnelsWorld(Options);
        StreamId slow = world.Call(1, finishes: false);
        StreamId fast = world.Call(1);
        Assert.Null(world.AskedToClose(slow));
        Assert.Null(world.AskedToClose(fast));
        world.Frame(slow, new TunnelReady(SealingCipher.Aes256Gcm).Encode);
        Assert.NotNull(world.AskedToClose(fast));
        Assert.Null(world.AskedToClose(slow));
    }

    [Fact]
    public void An_index_rests_before_it_is_used_again()
    {
        var world = new TunnelsWorld(Options with { MinRetryDelay = TimeSpan.FromMilliseconds(1), MaxRetryDelay = TimeSpan.FromMilliseconds(1) });
        var indices = new List<int>();
        for (int i = 0; i < 200; i++)
        {
            StreamId stream = world.Call(1);
            indices.Add(world.DataPlane.Tunnels.Keys.Single().Value);
            world.Close(stream);
        }

        Assert.Equal(indices, Enumerable.Range(0, 200).Select(i => (i % 65) + 1));
    }

    [Fact]
    public void A_tunnel_that_cannot_be_made_leaves_nothing_behind_and_counts_as_a_failure()
    {
        var world = new TunnelsWorld(Options);
        world.DataPlane.IsBroken = true;
        world.Learn(1);
        Assert.Equal(1, world.Kit.System.FailureCount);
        Assert.Equal(1, world.Actor!.RetryCount);
        world.DataPlane.IsBroken = false;
        world.Kit.AwaitCondition(() => world.Streams.Connects.Count == 1, "another attempt", TimeSpan.FromSeconds(30));
        world.AnswerDial(1);
        Assert.Equal(0, world.Actor.RetryCount);
    }

    [Fact]
    public void Tunnels_with_revoked_nodes_are_closed_when_the_parameters_say_so()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1, 2);
        StreamId one = world.AnswerDial(1), two = world.AnswerDial(2), three = world.Call(3);
        world.Revoked.UnionWith([TunnelsWorld.Node(1), TunnelsWorld.Node(3)]);
        world.Kit.System.EventStream.Publish(new NetworkParametersChanged(Parameters(2, 3)));
        world.Kit.Settle();
        Assert.Equal(CloseReason.NotAllowed, world.AskedToClose(one)?.Reason);
        Assert.Null(world.AskedToClose(two));
        Assert.Contains("revoked", world.AskedToClose(three)?.Text, StringComparison.Ordinal);
        // One that does not obey is cut off.
        world.Live(TimeSpan.FromSeconds(6), two);
        Assert.Contains(three, world.Streams.Closed);
        Assert.Single(world.Dialled, TunnelsWorld.Node(1));
    }

    [Fact]
    public void A_restart_goes_on_with_the_same_listener_and_without_the_old_tunnels()
    {
        var world = new TunnelsWorld(Options);
        StreamId old = world.Call(1);
        world.Manager.Tell(new StreamListenFailed(Listen, "boom"));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains(old, world.Streams.Closed);
        Assert.Single(world.Streams.Listeners);
        StreamId fresh = world.Call(2);
        Assert.Single(world.DataPlane.Tunnels);
        world.Live(TimeSpan.FromMinutes(1), fresh);
        Assert.DoesNotContain(fresh, world.Streams.Closed);
        Assert.Equal(1, world.Kit.System.FailureCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_member_that_sends_any_frames_at_all_loses_its_own_tunnel_at_most(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var world = new TunnelsWorld(Options);
        StreamId good = world.Call(1);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        Action<System.Buffers.IBufferWriter<byte>>[] sensible =
        [
            TunnelWorld.PeerHello().Encode, new TunnelReady(SealingCipher.Aes256Gcm).Encode, new KeepAlive(7, IsEcho: false).Encode, new PeerAddresses([TunnelsWorld.Known(9)]).Encode,
            new CloseAnswer(CloseReason.Duplicate, "text").Encode, new VersionNews(NetworkVersion.Create(9, new byte[256])).Encode,
        ];
        StreamId bad = world.Call(2);
        int calls = 1;
        for (int i = 0; i < 3000; i++)
        {
            if (world.Streams.Closed.Contains(bad))
                (bad, calls) = (world.Call(2, finishes: random.Next(2) == 0), calls + 1);
            if (world.Streams.Closed.Contains(bad))
                continue;
            buffer.Clear();
            sensible[random.Next(sensible.Length)](buffer);
            byte[] frame = buffer.WrittenSpan.ToArray();
            byte kind = random.Next(4) == 0 ? (byte)random.Next(256) : frame[0];
            byte[] payload = frame[Frame.HeaderLength..];
            for (int flips = random.Next(4); flips > 0 && payload.Length > 0; flips--)
                payload[random.Next(payload.Length)] = (byte)random.Next(256);
            if (random.Next(3) == 0)
                payload = payload[..random.Next(payload.Length + 1)];
            world.OwnerOf(bad).Tell(new FrameReceived(bad, kind, payload));
            world.Kit.Settle();
        }

        Assert.InRange(calls, 2, 3000);
        Assert.Equal(0, world.Kit.System.FailureCount);
        Assert.DoesNotContain(good, world.Streams.Closed);
    }

    private static NetworkParameters Parameters(int clientCount, int maxClients) => new()
    {
        Version = NetworkVersion.Create(1, []),
        Protocol = 10,
        RegistryPrefix = TunnelsWorld.Node(0),
        ClientCount = clientCount,
        MaxClients = maxClients,
    };
}
