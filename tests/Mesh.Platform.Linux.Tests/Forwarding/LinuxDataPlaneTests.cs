using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;
using Mesh.Platform.Linux.Streams;
using Mesh.Platform.Linux.Tests.Streams;

namespace Mesh.Platform.Linux.Tests.Forwarding;

public sealed class LinuxDataPlaneTests
{
    private static readonly TunnelIndex T = new(1);

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", 24, DataCipher.Aes256Gcm)]
    [InlineData("2001:db8:ffff::1", "2001:db8:ffff::2", 64, DataCipher.ChaCha20Poly1305)]
    public void A_ping_passes_sealed_between_two_machines(string addressA, string addressB, int prefixLength, DataCipher cipher)
    {
        using NetworkNamespace spaceA = NeedsRoot.Namespace("a"), spaceB = NeedsRoot.Namespace("b");
        spaceA.Connect("eth0", IPAddress.Parse(addressA), spaceB, "eth0", IPAddress.Parse(addressB), prefixLength);
        using LinuxDataPlane a = Start(spaceA, 1), b = Start(spaceB, 2);
        var toB = new IPEndPoint(IPAddress.Parse(addressB), b.LocalEndpoint.Port);
        var toA = new IPEndPoint(IPAddress.Parse(addressA), a.LocalEndpoint.Port);
        Mailbox ownerA = Join(a, 1, 2, toB, cipher), ownerB = Join(b, 2, 1, toA, cipher);

        Ping(spaceA, "2001:db8:2::1", payloadLength: 1300);

        a.SendControl(T, InnerKind.Probe, "probe"u8.ToArray(), toB);
        ControlReceived control = ownerB.Next<ControlReceived>();
        Assert.Equal((T, InnerKind.Probe, toA), (control.Tunnel, control.Kind, control.From));
        Assert.Equal("probe"u8, control.Payload.Span);

        // What b sends is now said to come from another place than where it comes from: a hears of it.
        a.SetPath(T, new DataPath.Datagram(new IPEndPoint(IPAddress.Parse(addressB), 9)));
        b.SendControl(T, InnerKind.Babel, default, toA);
        Assert.Equal(new PeerMoved(T, toB), ownerA.Next<PeerMoved>());
        Assert.Equal(InnerKind.Babel, ownerA.Next<ControlReceived>().Kind);

        a.Dispose();   // so that its threads have counted what they sent
        b.Dispose();
        Assert.Equal((4, 4), (a.CountersOf(T)!.Value.SentPackets, a.CountersOf(T)!.Value.ReceivedPackets));
        Assert.Equal((4, 4), (b.CountersOf(T)!.Value.SentPackets, b.CountersOf(T)!.Value.ReceivedPackets));
        a.AskTraffic(T, ownerA);
        Assert.Equal(new TunnelTraffic(T, 6), ownerA.Next<TunnelTraffic>());   // a probe and a routing packet are no traffic
        a.AskTraffic(new TunnelIndex(99), ownerA);
        Assert.Equal((0, 0), (ownerA.Count, ownerB.Count));
    }

    [Fact]
    public async Task A_ping_passes_through_a_TLS_stream_where_the_path_says_so()
    {
        using NetworkNamespace spaceA = NeedsRoot.Namespace("a"), spaceB = NeedsRoot.Namespace("b");
        // The streams meet on the loopback outside of both namespaces.
        var authority = new TestAuthority();
        X509Certificate2 certificateA = authority.Issue("a"), certificateB = authority.Issue("b");
        await using var streamsA = new TlsStreamPort(new TlsStreamOptions { Certificate = () => certificateA, Judge = authority.Judge });
        await using var streamsB = new TlsStreamPort(new TlsStreamOptions { Certificate = () => certificateB, Judge = authority.Judge });
        using LinuxDataPlane a = Start(spaceA, 1, streamsA), b = Start(spaceB, 2, streamsB);
        Mailbox ownerA = new(), ownerB = new();
        streamsB.Listen(new IPEndPoint(IPAddress.Loopback, 0), ownerB);
        streamsA.Connect(ownerB.Next<StreamListening>().Local, TimeSpan.FromSeconds(30), ownerA);
        StreamId streamA = ownerA.Next<StreamOpened>().Stream, streamB = ownerB.Next<StreamOpened>().Stream;
        foreach ((LinuxDataPlane plane, StreamId stream, int own, int other) in new[] { (a, streamA, 1, 2), (b, streamB, 2, 1) })
        {
            plane.AddTunnel(T, new Mailbox());
            plane.SetPath(T, new DataPath.Stream(stream));
            plane.BindStream(T, stream);
            plane.Publish(Table(own, other));
        }
        streamsB.SetOwner(streamB, ownerB);

        Ping(spaceA, "2001:db8:2::1", payloadLength: 0);

        streamsA.Close(streamA);
        ownerA.Next<StreamClosed>();
        ownerB.Next<StreamClosed>();
        Assert.Equal((3, 3), (a.Counters.ToHost, b.Counters.ToHost));
        using var probe = new EchoProbe(spaceA);
        probe.Send("2001:db8:2::1", 4, payloadLength: 0);
        SpinWait.SpinUntil(() => a.Counters[DropReason.StreamRefused] == 1, TimeSpan.FromSeconds(30));
        Assert.Equal(1, a.Counters[DropReason.StreamRefused]);
    }

    [Theory]
    [InlineData(true, DataCipher.ChaCha20Poly1305)]
    [InlineData(true, DataCipher.Aes256Gcm)]
    [InlineData(false, DataCipher.Aes256Gcm)]
    public void A_TCP_stream_arrives_unchanged(bool isOffloaded, DataCipher cipher)
    {
        using NetworkNamespace spaceA = NeedsRoot.Namespace("a"), spaceB = NeedsRoot.Namespace("b");
        spaceA.Connect("eth0", IPAddress.Parse("192.0.2.1"), spaceB, "eth0", IPAddress.Parse("192.0.2.2"), 24);
        using LinuxDataPlane a = Start(spaceA, 1, isOffloaded: isOffloaded), b = Start(spaceB, 2, isOffloaded: isOffloaded);
        Join(a, 1, 2, new IPEndPoint(IPAddress.Parse("192.0.2.2"), b.LocalEndpoint.Port), cipher);
        Join(b, 2, 1, new IPEndPoint(IPAddress.Parse("192.0.2.1"), a.LocalEndpoint.Port), cipher);
        byte[] sent = new byte[8_000_000], received = new byte[sent.Length];
        new Random(1).NextBytes(sent);

        using Socket listener = spaceB.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse("2001:db8:2::1"), 0));
        listener.Listen(1);
        using Socket client = spaceA.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { SendTimeout = 30_000 });
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        server.ReceiveTimeout = 30_000;
        var sending = new Thread(() => client.Send(sent));
        sending.Start();
        for (int count = 0; count < received.Length;)
        {
            int more = server.Receive(received.AsSpan(count));
            Assert.NotEqual(0, more);
            count += more;
        }

        sending.Join();
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal((0, 0), (a.Counters.TotalDrops, b.Counters.TotalDrops));
    }

    // Bursts make the device change hands, pauses give it back.
    [Fact]
    public void Packets_keep_their_order_while_the_device_changes_hands()
    {
        const int Bursts = 12, InBurst = 60;
        using NetworkNamespace spaceA = NeedsRoot.Namespace("a"), spaceB = NeedsRoot.Namespace("b");
        spaceA.Connect("eth0", IPAddress.Parse("192.0.2.1"), spaceB, "eth0", IPAddress.Parse("192.0.2.2"), 24);
        using LinuxDataPlane a = Start(spaceA, 1), b = Start(spaceB, 2);
        Join(a, 1, 2, new IPEndPoint(IPAddress.Parse("192.0.2.2"), b.LocalEndpoint.Port), DataCipher.Aes256Gcm);
        Join(b, 2, 1, new IPEndPoint(IPAddress.Parse("192.0.2.1"), a.LocalEndpoint.Port), DataCipher.Aes256Gcm);
        using Socket sender = spaceA.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp));
        using Socket receiver = spaceB.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 30_000, ReceiveBufferSize = 1 << 20 });
        receiver.Bind(new IPEndPoint(IPAddress.Parse("2001:db8:2::1"), 0));

        var payload = new byte[4];
        int next = 0;
        for (int burst = 0; burst < Bursts; burst++)
        {
            for (int i = 0; i < InBurst; i++)
            {
                BinaryPrimitives.WriteInt32BigEndian(payload, (burst * InBurst) + i);
                sender.SendTo(payload, receiver.LocalEndPoint!);
            }
            while (next < (burst + 1) * InBurst)
            {
                Assert.Equal(payload.Length, receiver.Receive(payload));
                Assert.Equal(next++, BinaryPrimitives.ReadInt32BigEndian(payload));
            }
            Thread.Sleep(burst % 4 * 30);
        }

        Ping(spaceA, "2001:db8:2::1", payloadLength: 100);
        Assert.Equal((0, 0), (a.Counters.TotalDrops, b.Counters.TotalDrops));
    }

    [Fact]
    public void Datagrams_that_the_link_does_not_take_are_counted_each_and_the_stream_goes_on_when_it_does()
    {
        using NetworkNamespace spaceA = NeedsRoot.Namespace("a"), spaceB = NeedsRoot.Namespace("b");
        spaceA.Connect("eth0", IPAddress.Parse("192.0.2.1"), spaceB, "eth0", IPAddress.Parse("192.0.2.2"), 24);
        using LinuxDataPlane a = Start(spaceA, 1), b = Start(spaceB, 2);
        Join(a, 1, 2, new IPEndPoint(IPAddress.Parse("192.0.2.2"), b.LocalEndpoint.Port), DataCipher.Aes256Gcm);
        Join(b, 2, 1, new IPEndPoint(IPAddress.Parse("192.0.2.1"), a.LocalEndpoint.Port), DataCipher.Aes256Gcm);
        using Socket listener = spaceB.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse("2001:db8:2::1"), 0));
        listener.Listen(1);
        using Socket client = spaceA.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        server.ReceiveTimeout = 30_000;

        // Several at once: the kernel does not take the train, and then none of its datagrams.
        SetMtu(spaceA, 1300);
        client.Send(new byte[10_000]);
        Assert.True(SpinWait.SpinUntil(() => a.Counters[DropReason.DatagramRefused] >= 7, TimeSpan.FromSeconds(20)), $"{a.Counters[DropReason.DatagramRefused]}");
        SetMtu(spaceA, 1500);
        for (int count = 0; count < 10_000;)
        {
            int more = server.Receive(new byte[10_000]);
            Assert.NotEqual(0, more);
            count += more;
        }
    }

    [Fact]
    public void A_host_without_a_route_in_the_overlay_is_told()
    {
        using NetworkNamespace space = NeedsRoot.Namespace("a");
        using LinuxDataPlane plane = Start(space, 1);
        plane.Publish(Table(1, 2));
        using var probe = new EchoProbe(space);
        const byte DestinationUnreachable = 1;
        probe.Send("2001:db8:3::1", 1, payloadLength: 0);
        byte[] message = probe.Receive(DestinationUnreachable, out IPAddress from);
        Assert.Equal((IPAddress.Parse("2001:db8:1::1"), 0), (from, message[1]));
        Assert.Equal(1, plane.Counters[DropReason.NoRoute]);
    }

    [Fact]
    public void A_stopped_data_plane_leaves_no_device_and_no_socket()
    {
        using NetworkNamespace space = NeedsRoot.Namespace("a");
        LinuxDataPlane plane = Start(space, 1);
        IPEndPoint local = plane.LocalEndpoint;
        var options = new LinuxDataPlaneOptions { Local = local };
        Assert.Contains("in use", Assert.Throws<LinuxException>(() => space.Run(() => new LinuxDataPlane(options))).Message, StringComparison.Ordinal);
        plane.Dispose();
        plane.Dispose();
        space.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            Assert.DoesNotContain(netlink.Links(), link => link.Name.StartsWith("mesh", StringComparison.Ordinal));
            using var again = new LinuxDataPlane(options);
            Assert.Equal(local, again.LocalEndpoint);
        });
    }

    [Fact]
    public void A_device_that_is_taken_away_is_told()
    {
        using NetworkNamespace space = NeedsRoot.Namespace("a");
        var failures = new Mailbox();
        using LinuxDataPlane plane = space.Run(() => new LinuxDataPlane(new LinuxDataPlaneOptions { Failed = failures.Tell }));
        space.Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            netlink.DeleteLink(plane.DeviceIndex);
        });
        Assert.StartsWith("Cannot read from mesh0: ", failures.Next<LinuxException>().Message, StringComparison.Ordinal);
    }

    private static void SetMtu(NetworkNamespace space, int mtu) => space.Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        netlink.SetMtu(netlink.GetLink("eth0").Index, mtu);
    });

    private static LinuxDataPlane Start(NetworkNamespace space, int number, IStreamPackets? streams = null, bool isOffloaded = true)
    {
        LinuxDataPlane plane = space.Run(() => new LinuxDataPlane(new LinuxDataPlaneOptions { Offload = isOffloaded }, streams));
        var address = IPAddress.Parse($"2001:db8:{number}::1");
        space.Configure(plane.DeviceName, address, 32);
        space.AwaitAddress(address);
        return plane;
    }

    private static Mailbox Join(LinuxDataPlane plane, int own, int other, IPEndPoint remote, DataCipher cipher)
    {
        var owner = new Mailbox();
        plane.AddTunnel(T, owner);
        plane.SetKeys(T, new DataKeys(1, Key(own), Key(other), cipher));
        plane.SetPath(T, new DataPath.Datagram(remote));
        plane.Publish(Table(own, other));
        return owner;
    }

    private static byte[] Key(int sender) => [.. Enumerable.Repeat((byte)sender, 32)];

    private static ForwardingTable Table(int own, int other) =>
        ForwardingTable.Create([new(Prefix(own), 48, Route.Local), new(Prefix(other), 48, Route.Through(T))], Prefix(own) + 1);

    private static UInt128 Prefix(int number) => BinaryPrimitives.ReadUInt128BigEndian(IPAddress.Parse($"2001:db8:{number}::").GetAddressBytes());

    private static void Ping(NetworkNamespace space, string address, int payloadLength)
    {
        const byte EchoReply = 129;
        using var probe = new EchoProbe(space);
        for (ushort sequence = 1; sequence <= 3; sequence++)
        {
            probe.Send(address, sequence, payloadLength);
            byte[] reply = probe.Receive(EchoReply, out IPAddress from);
            Assert.Equal((IPAddress.Parse(address), sequence, 8 + payloadLength), (from, BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(6)), reply.Length));
        }
    }
}
