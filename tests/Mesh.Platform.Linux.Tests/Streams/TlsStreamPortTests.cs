using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mesh.DataPlane;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.Forwarding;
using Mesh.Platform.Linux.Streams;
using Mesh.Protocol.Tunnel;

namespace Mesh.Platform.Linux.Tests.Streams;

public sealed class TlsStreamPortTests : IAsyncDisposable
{
    private static readonly TestAuthority Authority = new();
    private static readonly X509Certificate2 AliceCertificate = Authority.Issue("alice"), BobCertificate = Authority.Issue("bob");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TlsStreamPort _alice = new(Options(AliceCertificate));
    private readonly TlsStreamPort _bob = new(Options(BobCertificate));
    private IPEndPoint? _local;
    private readonly Mailbox _aliceOwner = new(), _bobListener = new(), _bobOwner = new();

    public async ValueTask DisposeAsync()
    {
        await _alice.DisposeAsync();
        await _bob.DisposeAsync();
    }

    [Fact]
    public void Both_ends_see_the_other_certificate_and_frames_pass_both_ways()
    {
        (StreamOpened a, StreamOpened b) = Open();
        Assert.Equal(BobCertificate.RawData, a.PeerCertificate.ToArray());
        Assert.Equal(AliceCertificate.RawData, b.PeerCertificate.ToArray());
        Assert.Equal((false, true), (a.Accepted, b.Accepted));
        Assert.Equal(IPAddress.Loopback, b.Remote.Address);

        _alice.Send(a.Stream, 1, "to bob"u8.ToArray());
        _alice.Send(a.Stream, 2, Array.Empty<byte>());
        _bob.Send(b.Stream, 3, new byte[Frame.MaxPayloadLength]);
        AssertFrame(_bobOwner, b.Stream, 1, "to bob");
        AssertFrame(_bobOwner, b.Stream, 2, "");
        Assert.Equal(Frame.MaxPayloadLength, _aliceOwner.Next<FrameReceived>().Payload.Length);
        Assert.Equal(new TlsStreamCounters(1, 0, 0, 0), _bob.Counters);
    }

    [Fact]
    public void Closing_delivers_what_was_queued_and_both_ends_are_told()
    {
        (StreamOpened a, StreamOpened b) = Open();
        for (byte i = 1; i <= 100; i++)
            _alice.Send(a.Stream, i, new byte[5000]);
        _alice.Close(a.Stream);
        _alice.Send(a.Stream, 101, new byte[1]);
        _alice.Close(a.Stream);
        for (byte i = 1; i <= 100; i++)
            Assert.Equal(i, _bobOwner.Next<FrameReceived>().Kind);
        Assert.Equal(new StreamClosed(b.Stream, "the peer closed it"), _bobOwner.Next<StreamClosed>());
        Assert.Equal(new StreamClosed(a.Stream, "it was closed here"), _aliceOwner.Next<StreamClosed>());
    }

    [Fact]
    public void Nothing_is_read_before_an_accepted_stream_has_an_owner()
    {
        StreamId stream = Connect();
        StreamOpened a = _aliceOwner.Next<StreamOpened>();
        Assert.Equal(stream, a.Stream);
        _alice.Send(stream, 1, "early"u8.ToArray());
        StreamOpened b = _bobListener.Next<StreamOpened>();
        _bob.Send(b.Stream, 9, "greeting"u8.ToArray());   // sending does not wait for an owner
        AssertFrame(_aliceOwner, stream, 9, "greeting");
        Assert.Equal((0, 0), (_bobListener.Count, _bobOwner.Count));
        _bob.SetOwner(b.Stream, _bobOwner);
        AssertFrame(_bobOwner, b.Stream, 1, "early");
        Assert.Equal(0, _bobListener.Count);
    }

    [Fact]
    public async Task An_accepted_stream_that_nobody_takes_over_is_closed()
    {
        await using var bob = new TlsStreamPort(Options(BobCertificate) with { HandoverTimeout = TimeSpan.FromMilliseconds(1) });
        Connect(bob);
        StreamId stream = _bobListener.Next<StreamOpened>().Stream;
        Assert.Equal(new StreamClosed(stream, "nobody took it over"), _bobListener.Next<StreamClosed>());
        bob.SetOwner(stream, _bobOwner);
        Assert.Equal(stream, _bobOwner.Next<StreamClosed>().Stream);
    }

    [Fact]
    public async Task A_server_of_another_network_is_refused()
    {
        await using var mallory = new TlsStreamPort(new TlsStreamOptions { Certificate = () => AliceCertificate, Judge = new TestAuthority().Judge });
        Listen(_bob, out IPEndPoint local);
        mallory.Connect(local, Patience, _aliceOwner);
        Assert.Contains("not signed by this network's authority", _aliceOwner.Next<StreamClosed>().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_with_a_certificate_that_is_not_in_order_is_refused(bool expired)
    {
        X509Certificate2 bad = expired ? Authority.Issue("late", TestAuthority.Today.AddDays(-1)) : new TestAuthority().Issue("stranger");
        await using var mallory = new TlsStreamPort(Options(bad));
        Listen(_bob, out IPEndPoint local);
        mallory.Connect(local, Patience, _aliceOwner);
        // Under TLS 1.3 the client may believe for a moment that all is well.
        _aliceOwner.Next<StreamOpened>();
        _aliceOwner.Next<StreamClosed>();
        await _bob.DisposeAsync();   // so that it has counted
        Assert.Equal(0, _bobListener.Count);
        Assert.Equal(new TlsStreamCounters(0, 1, 0, 0), _bob.Counters);
    }

    [Theory]
    [InlineData(SslProtocols.Tls13)]
    [InlineData(SslProtocols.Tls12)]
    public async Task A_client_without_a_certificate_or_with_an_old_TLS_is_refused(SslProtocols protocol)
    {
        Listen(_bob, out IPEndPoint local);
        using var client = new TcpClient();
        await client.ConnectAsync(local);
        using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "bob", EnabledSslProtocols = protocol });
            if (await tls.ReadAsync(new byte[1]) == 0)
                throw new IOException("closed");
        });
        Assert.Equal(0, _bobListener.Count);
    }

    [Fact]
    public async Task A_connection_that_says_nothing_is_closed_in_time()
    {
        await using var bob = new TlsStreamPort(Options(BobCertificate) with { HandshakeTimeout = TimeSpan.FromMilliseconds(50), MaxHandshakes = 1 });
        Listen(bob, out IPEndPoint local);
        for (int i = 0; i < 2; i++)   // the first makes room for the second
        {
            using var silent = new TcpClient();
            await silent.ConnectAsync(local);
            Assert.Equal(0, await silent.GetStream().ReadAsync(new byte[1]));
        }
        await bob.DisposeAsync();
        Assert.Equal(new TlsStreamCounters(0, 2, 0, 0), bob.Counters);
    }

    [Fact]
    public async Task Streams_beyond_the_limit_are_closed_and_room_is_used_again()
    {
        await using var bob = new TlsStreamPort(Options(BobCertificate) with { MaxAccepted = 1 });
        Connect(bob);
        StreamId first = _aliceOwner.Next<StreamOpened>().Stream;
        StreamOpened atBob = _bobListener.Next<StreamOpened>();
        bob.SetOwner(atBob.Stream, _bobOwner);
        _alice.Connect(_local!, Patience, _aliceOwner);
        _aliceOwner.Next<StreamClosed>();
        _alice.Close(first);
        _aliceOwner.Next<StreamClosed>();
        _bobOwner.Next<StreamClosed>();
        _alice.Connect(_local!, Patience, _aliceOwner);
        _aliceOwner.Next<StreamOpened>();
        _bobListener.Next<StreamOpened>();
        await bob.DisposeAsync();
        Assert.Equal(new TlsStreamCounters(2, 1, 0, 0), bob.Counters);
    }

    [Fact]
    public void A_peer_that_does_not_read_is_cut_off_when_the_queue_is_full()
    {
        Connect();
        StreamId stream = _aliceOwner.Next<StreamOpened>().Stream;
        _bobListener.Next<StreamOpened>();   // and nobody takes it over, so nothing is read
        var payload = new byte[60_000];
        int sent = 0;
        while (_alice.Counters.Overflowed == 0 && sent++ < 10_000)
            _alice.Send(stream, 1, payload);
        Assert.Contains("too slow", _aliceOwner.Next<StreamClosed>().Reason, StringComparison.Ordinal);
        Assert.Equal(1, _alice.Counters.Overflowed);
    }

    [Fact]
    public void Packets_are_dropped_long_before_the_queue_is_full()
    {
        Connect();
        StreamId stream = _aliceOwner.Next<StreamOpened>().Stream;
        _bobListener.Next<StreamOpened>();
        var packet = new byte[1400];
        int taken = 0;
        while (_alice.TrySendPacket(stream, packet) && taken++ < 1_000_000)
        {
            // Until the kernel's buffers and ours are full.
        }
        Assert.InRange(taken, 100, 999_999);
        _alice.Send(stream, 1, new byte[1]);   // control frames still find room
        Assert.Equal(new TlsStreamCounters(0, 0, 0, 1), _alice.Counters);
        Assert.Equal(0, _aliceOwner.Count);
    }

    [Fact]
    public void Packet_frames_go_to_the_data_plane_and_never_to_an_actor()
    {
        var packets = new PacketBox();
        _bob.Attach(packets);
        (StreamOpened a, StreamOpened b) = Open();
        Assert.True(_alice.TrySendPacket(a.Stream, "packet"u8));
        _alice.Send(a.Stream, 1, "control"u8.ToArray());
        AssertFrame(_bobOwner, b.Stream, 1, "control");
        Assert.Equal([(b.Stream, "packet")], packets.Received);
        _alice.Close(a.Stream);
        _bobOwner.Next<StreamClosed>();
        Assert.Equal([b.Stream], packets.Ended);
        Assert.False(_bob.TrySendPacket(b.Stream, "late"u8));
        Assert.Throws<ArgumentException>(() => _alice.Send(a.Stream, Frame.Packet, default));
    }

    [Fact]
    public async Task Control_frames_beyond_the_rate_wait_and_none_is_lost()
    {
        await using var bob = new TlsStreamPort(Options(BobCertificate) with { ControlFramesPerSecond = 100 });
        StreamId stream = Connect(bob);
        StreamOpened atBob = _bobListener.Next<StreamOpened>();
        for (int i = 0; i < 250; i++)
            _alice.Send(stream, (byte)(i & 0x7f), default);
        bob.SetOwner(atBob.Stream, _bobOwner);
        for (int i = 0; i < 250; i++)
            Assert.Equal((byte)(i & 0x7f), _bobOwner.Next<FrameReceived>().Kind);
    }

    [Fact]
    public void A_port_in_use_and_a_port_with_nobody_are_told_as_such()
    {
        Listen(_bob, out IPEndPoint local);
        _alice.Listen(local, _aliceOwner);
        Assert.Equal(local, _aliceOwner.Next<StreamListenFailed>().Local);

        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));   // bound, but it does not listen
        StreamId stream = _alice.Connect((IPEndPoint)taken.LocalEndPoint!, Patience, _aliceOwner);
        StreamClosed closed = _aliceOwner.Next<StreamClosed>();
        Assert.Equal(stream, closed.Stream);
        Assert.Contains("refused", closed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connect_that_takes_too_long_is_given_up()
    {
        using var mute = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        mute.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        mute.Listen();   // the kernel connects, and nobody shakes hands
        _alice.Connect((IPEndPoint)mute.LocalEndPoint!, TimeSpan.FromMilliseconds(50), _aliceOwner);
        Assert.Contains("did not answer within 0.05 s", _aliceOwner.Next<StreamClosed>().Reason, StringComparison.Ordinal);
        StreamId stream = _alice.Connect((IPEndPoint)mute.LocalEndPoint!, Patience, _aliceOwner);
        _alice.Close(stream);
        Assert.Equal(new StreamClosed(stream, "it was closed here"), _aliceOwner.Next<StreamClosed>());
    }

    [Fact]
    public async Task Stopping_tells_every_owner()
    {
        (StreamOpened a, StreamOpened b) = Open();
        await _alice.DisposeAsync();
        Assert.Equal(new StreamClosed(a.Stream, "this node is stopping"), _aliceOwner.Next<StreamClosed>());
        Assert.Equal(b.Stream, _bobOwner.Next<StreamClosed>().Stream);
    }

    private static TlsStreamOptions Options(X509Certificate2 certificate) => new() { Certificate = () => certificate, Judge = Authority.Judge };

    private static void AssertFrame(Mailbox owner, StreamId stream, byte kind, string text)
    {
        FrameReceived frame = owner.Next<FrameReceived>();
        Assert.Equal((stream, kind, text), (frame.Stream, frame.Kind, Encoding.ASCII.GetString(frame.Payload.Span)));
    }

    private void Listen(TlsStreamPort port, out IPEndPoint local)
    {
        port.Listen(new IPEndPoint(IPAddress.Loopback, 0), _bobListener);
        _local = local = _bobListener.Next<StreamListening>().Local;
    }

    private StreamId Connect(TlsStreamPort? to = null)
    {
        Listen(to ?? _bob, out IPEndPoint local);
        return _alice.Connect(local, Patience, _aliceOwner);
    }

    private (StreamOpened Alice, StreamOpened Bob) Open()
    {
        Connect();
        StreamOpened bob = _bobListener.Next<StreamOpened>();
        _bob.SetOwner(bob.Stream, _bobOwner);
        return (_aliceOwner.Next<StreamOpened>(), bob);
    }

    private sealed class PacketBox : IStreamPacketSink
    {
        public List<(StreamId, string)> Received { get; } = [];

        public List<StreamId> Ended { get; } = [];

        public void PacketReceived(StreamId stream, Span<byte> packet) => Received.Add((stream, Encoding.ASCII.GetString(packet)));

        public void StreamEnded(StreamId stream) => Ended.Add(stream);
    }
}
