using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.DataPlane;
using Mesh.Node.Certificates;
using Mesh.Node.Ports;
using Mesh.Node.RegistryClient;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tests.Tunnels;

/// <summary>Certificates that end, are renewed or are refused while tunnels are up: those of peers and our own.</summary>
public sealed class TunnelsCertificatesTests
{
    private static readonly TunnelsOptions Options = new() { Self = TunnelsWorld.Node(100), ClientCount = 2, MaxClients = 3, Listen = new IPEndPoint(IPAddress.Any, 1326) };
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void A_tunnel_ends_when_the_peers_certificate_does()
    {
        var world = new TunnelsWorld(Options);
        world.Ends["1/16"] = world.Kit.Loop.UtcNow + (3 * Hour);
        world.Ends["2/16"] = world.Kit.Loop.UtcNow + (9 * Hour);
        world.Learn(1, 2);
        StreamId one = world.AnswerDial(1), two = world.AnswerDial(2), three = world.Call(3);
        world.Live(3 * Hour, one, two, three);
        Assert.Null(world.AskedToClose(one));   // up to the last instant
        world.Live(TimeSpan.FromSeconds(2), one, two, three);
        Assert.Equal(new CloseRequest(CloseReason.NotAllowed, "its certificate is refused: it has expired"), world.AskedToClose(one));
        world.AgreeToClose(one);
        world.Live(5 * Hour, two, three);
        Assert.Null(world.AskedToClose(two));
        Assert.Null(world.AskedToClose(three));
        Assert.Equal(2, world.DataPlane.Tunnels.Count);
    }

    [Fact]
    public void A_peer_that_shows_another_certificate_in_time_keeps_its_tunnel()
    {
        var world = new TunnelsWorld(Options);
        world.Ends["1/16"] = world.Kit.Loop.UtcNow + (2 * Hour);
        world.Ends["1/16 renewed"] = world.Kit.Loop.UtcNow + (5 * Hour);
        StreamId stream = world.Call(1);
        world.Live(Hour, stream);
        Show(world, stream, "1/16 renewed");
        world.Live(4 * Hour, stream);
        Assert.Null(world.AskedToClose(stream));
        world.Live(TimeSpan.FromSeconds(2), stream);
        Assert.Equal(CloseReason.NotAllowed, world.AskedToClose(stream)?.Reason);
        Assert.Equal(0, world.Actor!.RefusedRenewalCount);
    }

    [Theory]
    [InlineData("2/16 another node's")]
    [InlineData("1/16 for another key")]
    [InlineData("1/16 over")]
    public void A_certificate_that_is_not_for_the_same_node_and_key_is_not_taken(string certificate)
    {
        var world = new TunnelsWorld(Options);
        world.Ends["1/16"] = world.Kit.Loop.UtcNow + (2 * Hour);
        world.Ends["1/16 over"] = world.Kit.Loop.UtcNow - Hour;
        StreamId stream = world.Call(1);
        Show(world, stream, certificate);
        Assert.Equal(1, world.Actor!.RefusedRenewalCount);
        Assert.Null(world.AskedToClose(stream));   // the one it has is still good
        world.Live((2 * Hour) + TimeSpan.FromSeconds(2), stream);
        Assert.Equal(CloseReason.NotAllowed, world.AskedToClose(stream)?.Reason);
    }

    [Fact]
    public void A_peer_that_shows_one_after_the_other_costs_one_look_in_ten_seconds()
    {
        var world = new TunnelsWorld(Options);
        StreamId stream = world.Call(1);
        for (int i = 0; i < 100; i++)
        {
            Show(world, stream, $"1/16 {i}");
            world.Kit.Advance(TimeSpan.FromMilliseconds(250));
        }

        Assert.Equal(97, world.Actor!.RefusedRenewalCount);
        Show(world, stream, "1/16 80");   // the one that was taken last
        Assert.Equal(97, world.Actor.RefusedRenewalCount);
        Assert.Null(world.AskedToClose(stream));
    }

    [Fact]
    public void A_clock_that_is_set_is_noticed_within_an_hour()
    {
        var world = new TunnelsWorld(Options);
        world.Ends["1/16"] = world.Kit.Loop.UtcNow + (1000 * Hour);
        StreamId stream = world.Call(1);
        world.Kit.Loop.Epoch += 1001 * Hour;
        world.Live(Hour, stream);
        Assert.Equal(CloseReason.NotAllowed, world.AskedToClose(stream)?.Reason);
    }

    [Fact]
    public void Our_own_new_certificate_is_shown_on_every_tunnel_as_soon_as_it_is_up()
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1, 2);
        StreamId up = world.AnswerDial(1), connecting = world.DialTo(2), greeting = world.Call(3, finishes: false);
        Publish(world, new IdentityChanged(Identities.A));
        var frame = new CertificateRenewal(Identities.A.Certificate.Der);
        Assert.Equal(frame, Shown(world, up));
        Assert.Null(Shown(world, connecting));
        Assert.Null(Shown(world, greeting));
        world.AnswerDial(2);
        world.Frame(greeting, new TunnelReady(SealingCipher.Aes256Gcm).Encode);
        Assert.Equal(frame, Shown(world, connecting));
        Assert.Equal(frame, Shown(world, greeting));
        Assert.Null(Shown(world, world.Call(4)));   // which has seen it in its handshake
        Publish(world, new IdentityChanged(new NodeIdentity(Identities.Verifier, Identities.A.Certificate, Identities.A.Key, Identities.Now)));   // the authority's is new
        Assert.Equal(frame, Shown(world, up));   // still one
        Assert.All([up, connecting, greeting], stream => Assert.Null(world.AskedToClose(stream)));
    }

    [Fact]
    public void Who_refused_the_old_certificate_is_tried_with_the_new_one_at_once()
    {
        var world = new TunnelsWorld(Options);
        TestProbe doubts = world.Kit.CreateProbe("doubts");
        world.Kit.System.EventStream.Subscribe<CertificateDoubted>(doubts.Ref);
        world.Learn(1);
        StreamId stream = world.AnswerDial(1);
        world.Frame(stream, new CloseRequest(CloseReason.NotAllowed, "its certificate is refused: it has been revoked").Encode);
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TunnelsWorld.Node(1), doubts.ExpectMsg<CertificateDoubted>().By);
        Assert.Single(world.Dialled);
        Publish(world, new IdentityChanged(Identities.A));
        Assert.Equal(2, world.Dialled.Count);
        world.Frame(world.AnswerDial(1), new CloseRequest(CloseReason.Retired, "made room").Encode);
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, doubts.PendingCount);   // there are other reasons
    }

    [Fact]
    public void A_peer_that_is_refused_is_told_why()
    {
        var world = new TunnelsWorld(Options);
        world.Revoked.Add(TunnelsWorld.Node(7));
        StreamId stream = world.Call(7);
        Assert.Equal(new CloseRequest(CloseReason.NotAllowed, "its certificate is refused: it has been revoked"), world.AskedToClose(stream));
        Assert.Contains(stream, world.Streams.Closed);
        Assert.Empty(world.DataPlane.Tunnels);
    }

    [Theory]
    [InlineData(CertificateState.Revoked)]
    [InlineData(CertificateState.Expired)]
    public void A_node_out_of_service_closes_its_tunnels_and_opens_and_accepts_none_until_it_may_serve_again(CertificateState state)
    {
        var world = new TunnelsWorld(Options);
        world.Learn(1, 2, 3);
        int[] dialled = [.. world.Dialling];
        StreamId up = world.AnswerDial(dialled[0]), connecting = world.DialTo(dialled[1]), accepted = world.Call(9), greeting = world.Call(10, finishes: false);
        Publish(world, Status(CertificateState.Renewing));
        Assert.Null(world.AskedToClose(up));
        Publish(world, Status(state));
        Publish(world, Status(state) with { Problem = "another sentence" });
        Assert.All([up, accepted, greeting], stream => Assert.Equal(CloseReason.ShuttingDown, world.AskedToClose(stream)?.Reason));
        Assert.Contains(connecting, world.Streams.Closed);
        world.AgreeToClose(up);
        world.Bootstrap.ReceiveAll();
        int before = world.Dialled.Count;
        world.Kit.Advance(TimeSpan.FromMinutes(30));
        world.Learn(1, 2, 3, 4);
        Assert.Equal(before, world.Dialled.Count);
        Assert.Empty(world.DataPlane.Tunnels);
        Assert.Empty(world.Bootstrap.ReceiveAll());
        StreamId late = world.Call(11);
        Assert.Equal(CloseReason.ShuttingDown, world.AskedToClose(late)?.Reason);
        Assert.Contains(late, world.Streams.Closed);
        Assert.Empty(world.DataPlane.Tunnels);

        Publish(world, Status(CertificateState.Valid));
        Assert.Equal(before + 2, world.Dialled.Count);
        world.AnswerDial(world.Dialling[^1]);
        world.Call(12);
        Assert.Equal(3, world.DataPlane.Tunnels.Count);
    }

    [Fact]
    public void A_restarted_manager_asks_whether_it_may_serve()
    {
        var world = new TunnelsWorld(Options);
        TestProbe certificate = world.Kit.CreateProbe("certificate");
        world.Kit.System.EventStream.Subscribe<CertificateStatusWanted>(certificate.Ref);
        world.Manager.Tell(new StreamListenFailed(Options.Listen!, "boom"));
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        certificate.ExpectMsg<CertificateStatusWanted>().By.Tell(Status(CertificateState.Revoked));
        world.Learn(1, 2);
        world.Kit.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(world.Dialling);
    }

    private static CertificateStatus Status(CertificateState state) => new(state, Identities.Now, 1, Identities.Now, Identities.Now, null);

    private static void Publish(TunnelsWorld world, object news)
    {
        world.Kit.System.EventStream.Publish(news);
        world.Kit.Settle();
    }

    private static void Show(TunnelsWorld world, StreamId stream, string certificate) =>
        world.Frame(stream, new CertificateRenewal([.. Encoding.ASCII.GetBytes(certificate)]).Encode);

    private static CertificateRenewal? Shown(TunnelsWorld world, StreamId stream) =>
        world.Sent(stream, CertificateRenewal.Kind) is [SentFrame frame] && CertificateRenewal.TryDecode(frame.Payload.Span, out CertificateRenewal? renewal) ? renewal : null;
}
