using System.Net;
using System.Net.Sockets;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.RealTime;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Peer;
using Mesh.Protocol.Registry;
using Mesh.Registry.Http.LocalNode;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Http.Tests.LocalNode;

public sealed class UdpLocalNodeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Datagrams_go_to_the_node_and_come_from_nobody_else()
    {
        using var mailbox = new Mailbox();
        using Socket node = Bound();
        using Socket stranger = Bound();
        await using UdpLocalNode port = UdpLocalNode.Open(PortOf(node));
        port.Attach(mailbox.Ref);
        port.Send("question"u8.ToArray());
        (byte[] octets, EndPoint from) = await ReceiveAsync(node);
        Assert.Equal("question"u8.ToArray(), octets);
        Assert.Equal(IPAddress.IPv6Loopback, ((IPEndPoint)from).Address);

        _ = await stranger.SendToAsync("forged"u8.ToArray(), from);
        _ = await node.SendToAsync(Array.Empty<byte>(), from);
        _ = await node.SendToAsync(new byte[60_000], from);
        Assert.Equal(0, (await mailbox.NextAsync<LocalDatagramReceived>()).Datagram.Length);
        Assert.Equal(60_000, (await mailbox.NextAsync<LocalDatagramReceived>()).Datagram.Length);
    }

    [Fact]
    public async Task A_node_that_is_not_there_is_counted_and_found_when_it_comes()
    {
        using var mailbox = new Mailbox();
        Socket gone = Bound();
        int number = PortOf(gone);
        gone.Dispose();
        await using UdpLocalNode port = UdpLocalNode.Open(number);
        port.Attach(mailbox.Ref);
        await LoopbackRegistry.EventuallyAsync(() =>
        {
            port.Send("anybody?"u8.ToArray());
            return Task.FromResult(port.FailedCount > 0);
        });

        using var node = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        node.Bind(new IPEndPoint(IPAddress.IPv6Loopback, number));
        await LoopbackRegistry.EventuallyAsync(() =>
        {
            port.Send("again"u8.ToArray());   // the first one may meet the last refusal
            return Task.FromResult(node.Available > 0);
        });

        (_, EndPoint from) = await ReceiveAsync(node);
        _ = await node.SendToAsync("here"u8.ToArray(), from);
        Assert.IsType<LocalNodeAbsent>(await mailbox.NextAsync<object>());
        object received;
        do
            received = await mailbox.NextAsync<object>();
        while (received is LocalNodeAbsent);
        Assert.Equal("here"u8.ToArray(), Assert.IsType<LocalDatagramReceived>(received).Datagram.ToArray());
    }

    [Fact]
    public async Task After_its_end_nothing_is_sent_and_nothing_breaks()
    {
        using Socket node = Bound();
        UdpLocalNode port = UdpLocalNode.Open(PortOf(node));
        await port.DisposeAsync();
        await port.DisposeAsync();
        port.Send("late"u8.ToArray());
        Assert.Equal((1, 0), (port.FailedCount, node.Available));
        Assert.Throws<ArgumentOutOfRangeException>(() => UdpLocalNode.Open(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => UdpLocalNode.Open(65_536));
    }

    [Fact]
    public async Task Versions_of_real_datagrams_are_collected_while_a_peer_is_silent()
    {
        using Socket node = Bound();
        await using UdpLocalNode port = UdpLocalNode.Open(PortOf(node));
        ActorRef? actor = null;
        UdpLocalNode shared = port;
        using var mailbox = new Mailbox((system, registry) =>
            actor = system.ActorOf(Props.Create(() => new LocalNodeActor(NetworkPrefix.Parse("2001:db8:42::/48"), registry, shared, TimeSpan.FromSeconds(1.5)))));
        _ = await mailbox.NextAsync<GetNetwork>();

        Task<VersionsCollected> asked = actor!.Ask<VersionsCollected>(new CollectVersions([Prefix(0), Prefix(1)]), Patience);
        Task<AddressAnswered> address = actor!.Ask<AddressAnswered>(new AskAddress(Prefix(0)), Patience);
        Task serving = ServeAsync(node, Prefix(0), 1 + 1);
        Assert.Equal("192.0.2.1,1194,tcp", (await address).Addresses!.ToString());
        Assert.Equal("""{"0000000000000000":"1.2, Linux","0000000000000001":null}""", Encoding.UTF8.GetString((await asked).Json.Span));
        await serving;
    }

    private static async Task ServeAsync(Socket node, NodePrefix self, int answers)
    {
        while (answers > 0)
        {
            (byte[] octets, EndPoint from) = await ReceiveAsync(node);
            Assert.True(LocalDatagram.TryDecode(octets, out LocalDatagram? question));
            if (question.Prefix != self)
                continue;
            byte[] payload = Encoding.ASCII.GetBytes(question.Code == PeerCode.Address ? "192.0.2.1,1194,tcp" : "1.2, Linux");
            _ = await node.SendToAsync((question with { Payload = payload }).Encode(), from);
            answers--;
        }
    }

    private static NodePrefix Prefix(int number) => new((UInt128)number, 16);

    private static Socket Bound()
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        return socket;
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static async Task<(byte[] Octets, EndPoint From)> ReceiveAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(Patience);
        byte[] buffer = new byte[65_535];
        SocketReceiveFromResult result = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0), patience.Token);
        return (buffer[..result.ReceivedBytes], result.RemoteEndPoint);
    }
}
