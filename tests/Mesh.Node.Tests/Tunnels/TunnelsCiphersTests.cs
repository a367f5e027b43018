using System.Net;
using Mesh.DataPlane;
using Mesh.Node.Parameters;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Registry;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

public sealed class TunnelsCiphersTests
{
    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(5), ClientCount = 2, Listen = new IPEndPoint(IPAddress.Any, 1326) };

    [Fact]
    public void Only_a_network_that_does_not_encrypt_has_tunnels_that_can_be_read()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1);
        StreamId hidden = world.AnswerDial(1);
        Assert.Equal([SealingCipher.Aes256Gcm, SealingCipher.ChaCha20Poly1305], Offered(world, hidden));
        Publish(world, encrypts: false);
        Assert.Null(world.AskedToClose(hidden));   // better than it need be

        world.Kit.Advance(TimeSpan.FromSeconds(1));
        world.Learn(1, 2);
        StreamId readable = world.AnswerDial(2, cipher: SealingCipher.Aes256Gmac);
        Assert.Equal([SealingCipher.Aes256Gmac, SealingCipher.Aes256Gcm, SealingCipher.ChaCha20Poly1305], Offered(world, readable));
        Assert.Equal(DataCipher.Aes256Gmac, world.DataPlane.Keys[^1].Keys.Cipher);

        // It is opened anew before it is closed.
        Publish(world, encrypts: true);
        Assert.Null(world.AskedToClose(readable));
        StreamId again = world.DialTo(2);
        Assert.NotEqual(readable, again);
        world.Kit.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(again, world.DialTo(2));   // once
        world.AnswerDial(2);
        Assert.Equal(CloseReason.Duplicate, world.AskedToClose(readable)!.Reason);
        Assert.Null(world.AskedToClose(again));
        Assert.Null(world.AskedToClose(hidden));
    }

    private static SealingCipher[] Offered(TunnelsWorld world, StreamId stream)
    {
        SentFrame frame = world.Sent(stream, TunnelHello.Kind)[0];
        return TunnelHello.TryDecode(frame.Payload.Span, out TunnelHello? hello) ? [.. hello.Ciphers] : [];
    }

    private static void Publish(TunnelsWorld world, bool encrypts)
    {
        world.Kit.System.EventStream.Publish(new NetworkParametersChanged(new NetworkParameters
        {
            Version = NetworkVersion.Create(1, []),
            Protocol = 10,
            RegistryPrefix = TunnelsWorld.Node(0),
            ClientCount = 2,
            MaxClients = 10,
            Encrypt = encrypts,
        }));
        world.Kit.Settle();
    }
}
