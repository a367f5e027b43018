using System.Text;
using Mesh.Actors;
using Mesh.Node.AddressBook;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Peers;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Tunnel;
using Mesh.Security;
using Mesh.Security.Certificates;

namespace Mesh.Node.Tests.Peers;

public sealed class PeerSessionTests
{
    private static readonly TellPeer Kill = new(Identities.B.Prefix, PeerCode.KillRequest, default);

    public static TheoryData<int> FirstDatagrams => [.. Enumerable.Range(0, 10)];

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(static n => (ulong)n)];

    [Fact]
    public void Two_of_our_nodes_learn_that_they_are()
    {
        var pair = new PeerPair();
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.True(pair.IsConnected);
        pair.B.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero);
        foreach (PeerWorld world in (PeerWorld[])[pair.A, pair.B])
        {
            PeerStatus peer = Assert.Single(world.Status.Peers);
            Assert.Equal((10, PeerFeatures.NativeTunnels | PeerFeatures.NewsInTunnels | PeerFeatures.NumberedKills), (peer.Protocol, peer.Features));
            Assert.Equal(1, world[PeerCounter.Established]);
        }

        // Nothing more is said once everything has been.
        int sent = pair.Sent.Count;
        Assert.InRange(sent, 5, 14);
        pair.Run(TimeSpan.FromSeconds(30));
        Assert.Equal(sent, pair.Sent.Count);
    }

    // Nodes of re6st have no other kind of tunnel.
    [Theory]
    [InlineData(TunnelPathKind.OpenVpnTcp, 1)]
    [InlineData(TunnelPathKind.OpenVpnUdp, 1)]
    [InlineData(TunnelPathKind.Stream, 0)]
    [InlineData(TunnelPathKind.Datagram, 0)]
    public void A_neighbour_whose_tunnel_carries_no_news_hears_of_a_version_in_a_message(TunnelPathKind path, int peers)
    {
        var early = new PeerWorld(Identities.A);
        early.Publish(new VersionLearned(PeerWorld.ParametersOf(1, PeerWorld.Registry.Prefix).Version));
        early.Publish(Up(path));
        Assert.Equal(peers, early.Status.Peers.Length);
        var late = new PeerWorld(Identities.A);
        late.Publish(Up(path));
        late.Publish(new VersionLearned(PeerWorld.ParametersOf(1, PeerWorld.Registry.Prefix).Version));
        Assert.Equal(peers, late.Status.Peers.Length);
    }

    private static TunnelStatus Up(TunnelPathKind path) => new(new DataPlane.TunnelIndex(1), Identities.B.Prefix, IsClient: true, TunnelState.Up, path, Remote: null, RoundTrip: null, IsGone: false);

    [Fact]
    public void The_status_says_since_when_a_session_is_so_and_when_the_peer_was_heard_last()
    {
        var pair = new PeerPair { Loses = static _ => true };
        pair.Run(TimeSpan.FromSeconds(3));
        DateTimeOffset began = Identities.Now + TimeSpan.FromSeconds(3);
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromSeconds(1));
        PeerStatus greeting = Assert.Single(pair.A.Status.Peers);
        Assert.Equal((PeerState.Greeting, null), (greeting.State, greeting.LastHeard));
        Assert.InRange(greeting.Since, began, began.AddMilliseconds(100));

        pair.Loses = static _ => false;
        Assert.True(pair.RunUntil(() => pair.IsConnected, TimeSpan.FromSeconds(30)));
        pair.Run(TimeSpan.FromMinutes(1));
        PeerStatus connected = Assert.Single(pair.A.Status.Peers);
        Assert.InRange(connected.Since, began.AddSeconds(1), began.AddSeconds(10));
        Assert.InRange(connected.LastHeard!.Value, connected.Since, connected.Since.AddSeconds(1));
        Assert.True(connected is { SentMessages: > 1, ReceivedMessages: > 1 });
    }

    [Theory, MemberData(nameof(FirstDatagrams))]
    public void Whichever_datagram_is_lost_the_message_arrives_within_seconds(int lost)
    {
        var pair = new PeerPair { Loses = number => number == lost };
        pair.A.Tell(Kill);
        Assert.True(pair.RunUntil(() => pair.B.Heard.PendingCount > 0, TimeSpan.FromSeconds(10)));
        pair.Run(TimeSpan.FromSeconds(10));
        Assert.True(pair.IsConnected);
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Messages_arrive_where_every_third_datagram_is_lost(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var pair = new PeerPair { Loses = _ => random.NextDouble() < 0.33 };
        pair.A.Tell(Kill);
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillAnswer, default));
        bool arrived = pair.RunUntil(() => pair.A.Heard.PendingCount > 0 && pair.B.Heard.PendingCount > 0, TimeSpan.FromMinutes(4));
        Assert.True(arrived, string.Join("; ", pair.Trace));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]   // as a node of re6st: it has not said what it can do
    public void A_request_to_close_a_tunnel_has_a_number_where_the_peer_knows_numbers(bool isOurs)
    {
        var pair = new PeerPair(new PeersOptions { TellsCapabilities = isOurs });
        pair.A.Tell(new TellPeer(Identities.B.Prefix, PeerCode.NodeInformation, default));
        pair.Run(TimeSpan.FromSeconds(1));
        TunnelKill request = new(7, CloseReason.Retired, IsServer: false, Agrees: false), agreement = request with { Agrees = true };
        TimeSpan until = TimeSpan.FromMinutes(1);
        pair.A.Publish(new TellOfKill(Identities.B.Prefix, PeerCode.KillRequest, request, until));
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(isOurs ? request : null, pair.B.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero).Kill);
        pair.B.Publish(new TellOfKill(Identities.A.Prefix, PeerCode.KillAnswer, isOurs ? agreement : null, until));
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(isOurs ? agreement : null, pair.A.Heard.FishForMsg<PeerKillAnswered>(limit: TimeSpan.Zero).Kill);
        // What such a node would take for an agreement is not said to it.
        pair.A.Publish(new TellOfKill(Identities.B.Prefix, PeerCode.KillAnswer, request, until));
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(isOurs ? [request] : [], pair.B.Heard.ReceiveAll().OfType<PeerKillAnswered>().Select(static a => a.Kill));
    }

    [Fact]
    public void An_agreement_that_could_not_be_said_in_time_is_never_said()
    {
        PeerPair pair = Connected();
        pair.Loses = static _ => true;
        pair.A.Publish(new TellOfKill(Identities.B.Prefix, PeerCode.KillAnswer, null, pair.A.Kit.Now + TimeSpan.FromSeconds(5)));
        pair.A.Tell(new TellPeer(Identities.B.Prefix, PeerCode.Log, "x"u8.ToArray()));
        pair.Run(TimeSpan.FromSeconds(7));
        pair.Loses = static _ => false;
        pair.Run(TimeSpan.FromMinutes(2));
        Assert.DoesNotContain(pair.B.Heard.ReceiveAll(), static heard => heard is PeerKillAnswered);
        Assert.Equal(1, pair.A[PeerCounter.Undelivered]);
        Assert.Equal(1, pair.B[PeerCounter.NotAllowed]);   // what came after it was said, once
    }

    [Fact]
    public void Requests_to_close_that_cross_are_not_taken_for_answers_to_each_other()
    {
        PeerPair pair = Connected();
        TunnelKill ofA = new(7, CloseReason.Retired, IsServer: false, Agrees: false), ofB = new(8, CloseReason.Retired, IsServer: true, Agrees: false);
        int number = pair.Sent.Count;
        pair.Loses = sent => sent == number;   // the request of A, the first time
        pair.A.Publish(new TellOfKill(Identities.B.Prefix, PeerCode.KillRequest, ofA, TimeSpan.MaxValue));
        pair.Run(TimeSpan.FromMilliseconds(2));
        pair.B.Publish(new TellOfKill(Identities.A.Prefix, PeerCode.KillRequest, ofB, TimeSpan.MaxValue));
        pair.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(ofA, pair.B.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero).Kill);
        Assert.Equal(ofB, pair.A.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero).Kill);
    }

    [Fact]
    public void Data_of_a_request_to_close_that_cannot_be_read_is_counted_and_nothing_is_closed()
    {
        PeerPair pair = Connected();
        pair.B.Heard.ReceiveAll();
        pair.A.Tell(Kill with { Data = new byte[] { 1, 2, 3 } });
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(pair.B.Heard.ReceiveAll());
        Assert.Equal(1, pair.B[PeerCounter.BadData]);
    }

    [Fact]
    public void Both_may_begin_at_the_same_time()
    {
        var pair = new PeerPair();
        pair.A.Tell(Kill);
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillAnswer, default));
        pair.Run(TimeSpan.FromSeconds(8));
        Assert.True(pair.IsConnected);
        pair.A.Heard.FishForMsg<PeerKillAnswered>(limit: TimeSpan.Zero);
        pair.B.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_was_restarted_is_noticed_and_gets_what_is_said(bool keepsDisk)
    {
        PeerPair pair = Connected();
        pair.RestartB(keepsDisk ? pair.B.Kit.Disk : null);
        pair.A.Tell(Kill);
        Assert.True(pair.RunUntil(() => pair.B.Heard.PendingCount > 0, TimeSpan.FromSeconds(30)));
        Assert.True(pair.IsConnected);
        // The other way round nothing has to be noticed: the newcomer greets.
        PeerPair other = Connected();
        other.RestartB();
        other.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillRequest, default));
        Assert.True(other.RunUntil(() => other.A.Heard.PendingCount > 0, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_remembered_certificate_spares_half_of_the_handshake()
    {
        PeerPair pair = Connected();
        pair.Run(TimeSpan.FromSeconds(1));
        pair.RestartB(pair.B.Kit.Disk);
        int before = pair.Sent.Count;
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillRequest, default));
        pair.Run(TimeSpan.FromMilliseconds(50));
        Assert.Equal([1u, 2u], pair.Sent.Skip(before).Take(2).Select(static s => Number(s.Octets)));
    }

    [Fact]
    public void Who_remembers_nobody_has_sessions_all_the_same()
    {
        var pair = new PeerPair(new PeersOptions { MaxRemembered = 0 });
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.True(pair.IsConnected);
        Assert.Equal((0, 0), (pair.A.Kit.System.FailureCount, pair.B.Kit.System.FailureCount));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24 * 365)]
    public void A_clock_that_was_set_back_keeps_nobody_from_a_new_session(int hours)
    {
        PeerPair pair = Connected();
        pair.Run(TimeSpan.FromSeconds(1));
        pair.RestartB(pair.B.Kit.Disk, setClockBack: TimeSpan.FromHours(hours));
        pair.A.Tell(Kill);   // A greets B in the end, and B makes the secret by its wrong clock
        Assert.True(pair.RunUntil(() => pair.B.Heard.PendingCount > 0, TimeSpan.FromSeconds(30)));
        pair.RestartA(pair.A.Kit.Disk, setClockBack: TimeSpan.FromHours(hours));
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillRequest, default));
        Assert.True(pair.RunUntil(() => pair.A.Heard.PendingCount > 0, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Clocks_that_differ_by_hours_keep_nobody_from_a_session()
    {
        foreach (int hours in (ReadOnlySpan<int>)[-3, 3])
        {
            var pair = new PeerPair(skewOfB: TimeSpan.FromHours(hours));
            pair.A.Tell(Kill);
            Assert.True(pair.RunUntil(() => pair.B.Heard.PendingCount > 0, TimeSpan.FromMinutes(3)), $"{hours}");
        }
    }

    [Fact]
    public void Datagrams_that_are_sent_again_have_no_effect()
    {
        PeerPair pair = Connected();
        pair.B.Heard.ReceiveAll();
        (bool ToB, byte[] Octets)[] recorded = [.. pair.Sent.Where(static s => Number(s.Octets) > 1)];   // a greeting says nothing but who there is, and leads to a new handshake at most
        foreach (PeerCounter counter in (PeerCounter[])[PeerCounter.Messages, PeerCounter.Established])
        {
            (long a, long b) = (pair.A[counter], pair.B[counter]);
            foreach ((bool toB, byte[] octets) in recorded)
                (toB ? pair.B : pair.A).Receive(toB ? Identities.A : Identities.B, octets);
            pair.Run(TimeSpan.FromSeconds(6));
            Assert.Equal((a, b), (pair.A[counter], pair.B[counter]));
        }

        Assert.Equal(0, pair.B.Heard.PendingCount);
        Assert.True(pair.A[PeerCounter.Replayed] + pair.B[PeerCounter.Replayed] > 0);
        Assert.True(pair.IsConnected);
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromMilliseconds(50));
        pair.B.Heard.ExpectMsg<PeerKillRequested>(TimeSpan.Zero);
    }

    [Fact]
    public void An_old_secret_is_refused_after_a_restart_too()
    {
        PeerPair pair = Connected();
        pair.Run(TimeSpan.FromSeconds(1));
        byte[][] secrets = [.. pair.Sent.Where(static s => s.ToB && Number(s.Octets) == 2).Select(static s => s.Octets)];
        Assert.NotEmpty(secrets);
        pair.RestartB(pair.B.Kit.Disk, setClockBack: TimeSpan.FromDays(1));   // so that the time of the start alone would not tell
        pair.B.Tell(new AskPeerAddress(Identities.A.Prefix));
        foreach (byte[] secret in secrets)
            pair.B.Receive(Identities.A, secret);
        Assert.Equal((secrets.Length, 0), (pair.B[PeerCounter.SecretStale], pair.B[PeerCounter.Established]));
    }

    [Fact]
    public void A_greeting_that_somebody_else_sends_in_a_peers_name_breaks_nothing()
    {
        PeerPair pair = Connected();
        byte[] greeting = new Hello0(10, System.Security.Cryptography.SHA1.HashData(Identities.A.Certificate.Der.AsSpan()), Identities.B.Certificate.Der.AsMemory()).Encode();
        int work = pair.A.Work.RunCount;
        for (int i = 0; i < 2000; i++)
        {
            // From another port, so that the secret does not even get to B.
            pair.A.Receive(Identities.B.Address, greeting, port: 9999);
            if (i % 100 == 0)
                pair.A.Kit.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(work + 1, pair.A.Work.RunCount);   // one secret, whoever asks
        pair.A.Take();
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromMilliseconds(50));
        pair.B.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero);
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillAnswer, default));
        pair.Run(TimeSpan.FromMilliseconds(50));
        pair.A.Heard.FishForMsg<PeerKillAnswered>(limit: TimeSpan.Zero);
    }

    [Fact]
    public void A_flood_of_greetings_costs_bounded_work()
    {
        var options = new PeersOptions();
        var world = new PeerWorld(Identities.A, options: options);
        byte[] forged = [.. Identities.B.Certificate.Der];
        const int Seconds = 5;
        for (int i = 0; i < 20_000; i++)
        {
            forged[^1] = (byte)i;   // a certificate that nobody signed
            forged[^2] = (byte)(i >> 8);
            var source = new Protocol.Addressing.Ipv6Address(Identities.B.Address.Value + ((UInt128)(uint)(i % 500) << 64));
            world.Receive(source, new Hello0(null, default, forged.ToArray()).Encode());
            if (i % (20_000 / Seconds / 10) == 0)
                world.Kit.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.InRange(world.Work.RunCount, 100, options.ChecksPerSecond * (Seconds + 1));
        Assert.Equal((20_000, 0), (world[PeerCounter.GreetingLimited] + world[PeerCounter.CertificateRefused], world.Status.Peers.Length));
        // One source alone gets far less.
        var single = new PeerWorld(Identities.A, options: options);
        for (int i = 0; i < 1000; i++)
        {
            forged[^1] = (byte)i;
            single.Receive(Identities.B, new Hello0(null, default, forged.ToArray()).Encode());
        }

        Assert.InRange(single.Work.RunCount, 1, 4 * options.ChecksPerSecondAndSource);
    }

    [Fact]
    public void A_revoked_peer_loses_its_session_at_once_and_cannot_come_back()
    {
        PeerPair pair = Connected();
        pair.A.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(2, PeerWorld.Registry.Prefix, Identities.B.Certificate.SerialNumber)));
        Assert.Empty(pair.A.Status.Peers);
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillRequest, default));
        pair.Run(TimeSpan.FromMinutes(4));
        Assert.Empty(pair.A.Status.Peers);
        Assert.Equal(0, pair.A.Heard.PendingCount);
        Assert.Equal(1, pair.A[PeerCounter.Expelled]);
        Assert.True(pair.A[PeerCounter.UnknownPeer] > 0 && pair.A[PeerCounter.CertificateRefused] > 0);
        // Nor is it remembered over a restart.
        pair.RestartA(pair.A.Kit.Disk);
        pair.A.Tell(Kill);
        Assert.Equal(0u, Number(pair.A.Take()[0].Datagram.ToArray()));
    }

    [Fact]
    public void A_renewed_certificate_takes_the_place_of_the_old_one()
    {
        PeerPair pair = Connected();
        NodeCertificate renewed = Identities.Authority.Renew(Identities.A.Certificate, 99, Identities.Now, Identities.Now.AddDays(365));
        var identity = new NodeIdentity(Identities.Verifier, renewed, Identities.A.Key, Identities.Now);
        pair.A.Publish(new IdentityChanged(identity));
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromMilliseconds(50));
        pair.B.Heard.FishForMsg<PeerKillRequested>(limit: TimeSpan.Zero);   // the session goes on
        pair.RestartB(pair.B.Kit.Disk);   // it remembers the old certificate
        pair.B.Tell(new TellPeer(Identities.A.Prefix, PeerCode.KillAnswer, default));
        Assert.True(pair.RunUntil(() => pair.A.Heard.PendingCount > 0, TimeSpan.FromSeconds(10)));
        // From now on the old one is no use to whoever sends it again.
        pair.B.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(2, PeerWorld.Registry.Prefix, Identities.A.Certificate.SerialNumber)));
        Assert.Single(pair.B.Status.Peers);
    }

    [Fact]
    public void A_session_ends_with_the_peers_certificate()
    {
        NodeCertificate brief = Identities.Authority.Renew(Identities.B.Certificate, 98, Identities.Now, Identities.Now.AddMinutes(10));
        var world = new PeerWorld(Identities.A);
        world.Receive(Identities.B, new Hello0(null, default, brief.Der.AsMemory()).Encode());
        world.Kit.Advance(TimeSpan.FromMinutes(9));
        Assert.Single(world.Status.Peers);
        world.Kit.Advance(TimeSpan.FromMinutes(3));
        Assert.Empty(world.Status.Peers);
    }

    [Fact]
    public void A_full_table_takes_newcomers_in_the_place_of_those_who_are_quiet()
    {
        var world = new PeerWorld(Identities.A, options: new PeersOptions { MaxPeers = 2 });
        foreach (NodeIdentity peer in (NodeIdentity[])[Identities.B, PeerWorld.C, PeerWorld.Registry])
        {
            world.Kit.Advance(TimeSpan.FromSeconds(5));
            world.Receive(peer, new Hello0(null, default, peer.Certificate.Der.AsMemory()).Encode());
        }

        Assert.Equal([PeerWorld.Registry.Prefix, PeerWorld.C.Prefix], world.Status.Peers.Select(static p => p.Peer).Order());
        Assert.Equal(1, world[PeerCounter.Evicted]);
    }

    [Fact]
    public void A_full_work_pool_delays_a_handshake_and_no_more()
    {
        var pair = new PeerPair();
        pair.B.Work.IsFull = true;
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromSeconds(3));
        Assert.False(pair.IsConnected);
        Assert.True(pair.B[PeerCounter.WorkRefused] > 0);
        pair.B.Work.IsFull = false;
        Assert.True(pair.RunUntil(() => pair.B.Heard.PendingCount > 0, TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void Whoever_does_not_answer_is_given_up_and_what_was_to_be_said_is_counted()
    {
        var world = new PeerWorld(Identities.A);
        world.Tell(Kill);
        world.Tell(new TellPeer(Identities.B.Prefix, PeerCode.KillAnswer, default));
        world.Kit.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal((2, 0), (world[PeerCounter.Undelivered], world.Status.Peers.Length));
        Assert.InRange(world.Take().Length, 15, 25);
    }

    [Fact]
    public void Unknown_codes_are_acknowledged_and_nothing_else()
    {
        PeerPair pair = Connected();
        for (byte code = 6; code < 0x80; code += 7)
        {
            if (code is PeerCode.Capabilities or PeerCode.Log)
                continue;
            int before = pair.Sent.Count;
            pair.A.Tell(new TellPeer(Identities.B.Prefix, code, new byte[] { 1, 2, 3 }));
            pair.Run(TimeSpan.FromMilliseconds(30));
            Assert.Equal(SessionMessage.MinLength, pair.Sent[before + 1].Octets.Length);
        }

        Assert.True(pair.B[PeerCounter.UnknownCode] > 10);
    }

    [Theory]
    [InlineData("ff312c312c746370", null)]                                  // not UTF-8: stops a node of re6st at once
    [InlineData("nocomma", "")]                                             // poisons the cache of one, which stops again at each restart
    [InlineData("nocomma;192.0.2.1,1,tcp", "192.0.2.1,1,tcp")]
    [InlineData("--up,1,tcp;192.0.2.1,1,--script-security", "")]            // would be arguments of openvpn
    [InlineData("192.0.2.1,0,tcp;192.0.2.1,65536,udp;192.0.2.1,x,udp", "")]
    [InlineData(",,,;;;,1,tcp", "")]
    [InlineData("very long", null)]
    public void Defect_a_malformed_address_message_stops_no_node_and_poisons_no_cache(string text, string? remembered)
    {
        byte[] data = text switch
        {
            "very long" => [.. Enumerable.Repeat((byte)'a', AddressList.MaxTextLength + 1)],
            ['f', 'f', ..] => Convert.FromHexString(text),
            _ => Encoding.UTF8.GetBytes(text),
        };
        PeerPair pair = Connected();
        pair.B.Book.ReceiveAll();
        pair.A.Tell(new TellPeer(Identities.B.Prefix, PeerCode.Address, data));
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(0, pair.B.Kit.System.FailureCount);
        Assert.True(pair.IsConnected);
        Assert.Equal(remembered is null ? 1 : 0, pair.B[PeerCounter.BadData]);
        Assert.Equal(remembered is null ? [] : [remembered], pair.B.Book.ReceiveAll().OfType<PeersSeen>().Select(static seen => seen.Peers[0].Addresses.ToString()), StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_member_that_says_anything_at_all_stops_nobody(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        PeerPair pair = Connected();
        byte[][] sensible =
        [
            [.. VersionSigner.Sign(Identities.Authority, 7).Blob], Encoding.UTF8.GetBytes("192.0.2.1,1,tcp,FR;2001:db8::1,2,udp6"), Encoding.UTF8.GetBytes("0.1, Linux"),
            Encoding.UTF8.GetBytes("2 1/16 2/16 3/16"), new PeerCapabilities(PeerFeatures.NativeTunnels, AddressList.Empty, IsAnswer: false).Encode(), [],
        ];
        for (int i = 0; i < 100; i++)
        {
            byte[] data = [.. sensible[random.Next(sensible.Length)]];
            for (int flips = random.Next(4); flips > 0 && data.Length > 0; flips--)
                data[random.Next(data.Length)] = (byte)random.Next(256);
            data = random.Next(3) switch { 0 => data[..random.Next(data.Length + 1)], 1 => [.. data, .. data], _ => data };
            pair.A.Tell(new TellPeer(Identities.B.Prefix, (byte)random.Next(256), data));
            pair.Run(TimeSpan.FromMilliseconds(30));
        }

        Assert.Equal(0, pair.B.Kit.System.FailureCount);
        Assert.True(pair.IsConnected);
        Assert.Equal(0, pair.A.Kit.System.FailureCount);
        pair.B.Heard.ReceiveAll();
        pair.A.Tell(Kill);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Contains(pair.B.Heard.ReceiveAll(), static heard => heard is PeerKillRequested);
    }

    [Fact]
    public void Addresses_of_native_tunnels_are_told_to_our_nodes_only()
    {
        var mesh = new AddressList(
            new AdvertisedAddress("192.0.2.9", 6626, AddressProtocol.Mesh),
            new AdvertisedAddress("192.0.2.9", 1194, AddressProtocol.Tcp));
        foreach (bool isOurs in (bool[])[true, false])
        {
            var pair = new PeerPair(new PeersOptions { TellsCapabilities = isOurs });
            pair.B.Publish(new Mesh.Node.Tunnels.AdvertisedAddressesChanged(mesh));
            pair.A.Tell(new AskPeerAddress(Identities.B.Prefix));
            pair.Run(TimeSpan.FromSeconds(5));
            PeersSeen[] seen = [.. pair.A.Book.ReceiveAll().OfType<PeersSeen>()];
            string expected = isOurs ? "192.0.2.9,6626,mesh;192.0.2.9,1194,tcp" : "192.0.2.9,1194,tcp";
            Assert.Equal(expected, seen[^1].Peers[0].Addresses.ToString());
        }
    }

    [Fact]
    public void Only_the_registrys_node_writes_what_others_say_into_its_log_and_not_much_of_it()
    {
        PeerPair pair = Connected();
        pair.A.Tell(new TellPeer(Identities.B.Prefix, PeerCode.Log, Encoding.UTF8.GetBytes("not for you")));
        pair.Run(TimeSpan.FromMilliseconds(50));
        Assert.Equal(1, pair.B[PeerCounter.NotAllowed]);
        pair.B.Publish(new NetworkParametersChanged(PeerWorld.ParametersOf(1, Identities.B.Prefix)));
        for (int i = 0; i < 50; i++)
        {
            pair.A.Tell(new TellPeer(Identities.B.Prefix, PeerCode.Log, Encoding.UTF8.GetBytes($"line {i}\n\e[2Jof A")));
            pair.Run(TimeSpan.FromMilliseconds(20));
        }

        string[] lines = [.. pair.B.Kit.Log.Entries.Select(static e => e.Message).Where(static m => m.Contains("says", StringComparison.Ordinal))];
        Assert.InRange(lines.Length, 8, 12);
        Assert.Equal("1/16 says: line 0  [2Jof A", lines[0]);
        Assert.True(pair.B[PeerCounter.MessageLimited] > 30);
    }

    private static PeerPair Connected()
    {
        var pair = new PeerPair();
        pair.A.Tell(new AskPeerAddress(Identities.B.Prefix));
        pair.Run(TimeSpan.FromSeconds(3));
        Assert.True(pair.IsConnected);
        pair.A.Heard.ReceiveAll();
        pair.B.Heard.ReceiveAll();
        return pair;
    }

    private static uint Number(byte[] octets) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(octets);
}
