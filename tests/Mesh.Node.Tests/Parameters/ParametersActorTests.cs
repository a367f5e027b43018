using Mesh.Actors;
using Mesh.Actors.Persistence;
using Mesh.Actors.TestKit;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Registry;
using Mesh.Security;

namespace Mesh.Node.Tests.Parameters;

public sealed class ParametersActorTests
{
    private readonly SimulatedDisk _disk = new();
    private ActorTestKit _kit = null!;
    private TestProbe _client = null!;
    private TestProbe _listener = null!;
    private TestProbe _certificate = null!;
    private ParametersActor _actor = null!;
    private VirtualWorkPool _work = null!;

    [Fact]
    public void It_asks_at_once_and_then_about_every_hour()
    {
        Start();
        Answer(Body(1));
        Assert.InRange(_kit.Now, TimeSpan.Zero, TimeSpan.FromMilliseconds(60));
        for (int i = 0; i < 3; i++)
        {
            TimeSpan before = _kit.Now;
            Answer(Body(1));
            Assert.InRange(_kit.Now - before, TimeSpan.FromMinutes(54), TimeSpan.FromMinutes(66));
        }

        Assert.Equal(1UL, _listener.ExpectMsg<NetworkParametersChanged>(TimeSpan.Zero).Parameters.Version.Number);
        Assert.Equal(0, _listener.PendingCount);
        Assert.Equal(0, _actor.RefusedCount);
    }

    [Fact]
    public void A_newer_version_is_taken_over_stored_and_published_once_it_is_durable()
    {
        Start();
        Answer(Body(1));
        Assert.Equal(0, _listener.PendingCount);
        _kit.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(10, _listener.ExpectMsg<NetworkParametersChanged>().Parameters.ClientCount);
        Answer(Body(2, clientCount: 5));
        _kit.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(5, _listener.ExpectMsg<NetworkParametersChanged>().Parameters.ClientCount);
        Assert.Equal(2, _disk.CountOf("parameters"));
    }

    [Fact]
    public void What_was_stored_is_published_after_a_restart_before_the_registry_is_asked()
    {
        Start();
        Answer(Body(3));
        _kit.Advance(TimeSpan.FromMilliseconds(5));
        Start();
        Assert.Equal(3UL, _listener.ExpectMsg<NetworkParametersChanged>().Parameters.Version.Number);
        Answer(Body(2));
        _kit.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(0, _listener.PendingCount);
        Assert.Equal(1, _actor.RefusedCount);
    }

    [Fact]
    public void Forged_malformed_and_older_ones_are_refused_and_counted()
    {
        Start();
        Answer(Body(5));
        byte[] wrongSignature = Body(NetworkVersion.Create(6, new byte[256]));
        NetworkVersion five = VersionSigner.Sign(Identities.Authority, 5);
        byte[] renumbered = Body(NetworkVersion.Create(7, five.Signature));
        byte[][] refused = [wrongSignature, renumbered, Body(NetworkVersion.Create(0, [])), [], [1, 2, 3], Body(6)[..^4], Body(4)];
        for (int i = 0; i < refused.Length; i++)
        {
            Answer(refused[i]);
            Assert.Equal(i + 1, _actor.RefusedCount);
        }

        _listener.ExpectMsg<NetworkParametersChanged>();
        Assert.Equal(0, _listener.PendingCount);
        Assert.Equal(1, _disk.CountOf("parameters"));
        Answer(Body(6));
        _kit.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(6UL, _listener.ExpectMsg<NetworkParametersChanged>().Parameters.Version.Number);
    }

    [Fact]
    public void Attempts_come_after_doubling_delays_up_to_a_minute_and_begin_anew_after_a_success()
    {
        Start();
        double[] expected = [1, 2, 4, 8, 16, 32, 60, 60, 60];
        Fail();
        foreach (double delay in expected)
        {
            TimeSpan before = _kit.Now;
            Fail();
            Assert.InRange((_kit.Now - before).TotalSeconds, delay * 0.9, delay * 1.1);
        }

        Answer(Body(1));
        Fail();
        TimeSpan after = _kit.Now;
        Fail();
        Assert.InRange((_kit.Now - after).TotalSeconds, 0.9, 1.1);
    }

    [Fact]
    public void An_answer_that_never_comes_does_not_end_the_asking()
    {
        Start();
        _client.ExpectMsg<CallRegistry>();
        _client.ExpectMsg<CallRegistry>(TimeSpan.FromHours(2));
    }

    [Fact]
    public void A_node_out_of_service_asks_every_hour_at_the_most_and_at_once_when_it_may_serve_again()
    {
        Start();
        _certificate.ExpectMsg<CertificateStatusWanted>();
        Publish(CertificateState.Revoked);
        for (int i = 0; i < 13; i++)
            Fail();
        for (int i = 0; i < 5; i++)
        {
            TimeSpan before = _kit.Now;
            Fail();
            Assert.InRange(_kit.Now - before, TimeSpan.FromMinutes(54), TimeSpan.FromMinutes(66));
        }

        Publish(CertificateState.Expired);
        _client.ExpectNoMsg(TimeSpan.FromMinutes(1));
        Publish(CertificateState.Valid);
        TimeSpan resumed = _kit.Now;
        Answer(Body(1));
        Assert.InRange(_kit.Now - resumed, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void When_it_starts_it_asks_whether_the_node_may_serve()
    {
        Start();
        Assert.Equal("/user/parameters", _certificate.ExpectMsg<CertificateStatusWanted>().By.Path);
    }

    [Fact]
    public void Stored_parameters_that_are_malformed_or_of_another_network_are_passed_over()
    {
        Start();
        Answer(Body(9));
        _kit.Advance(TimeSpan.FromMilliseconds(5));
        foreach (string stored in (string[])["{\"Body\":null}", "{\"Body\":\"AAAA\"}", "{}", $"{{\"Body\":\"{Convert.ToBase64String(Body(NetworkVersion.Create(9, new byte[256])))}\"}}"])
        {
            _disk.Replace("parameters", new JournalEvent(1, "node.parameters-adopted", 1, System.Text.Encoding.UTF8.GetBytes(stored), Identities.Now));
            Start();
            _client.ExpectMsg<CallRegistry>();
            Assert.Equal(0, _listener.PendingCount);
            Assert.Equal(0, _kit.System.FailureCount);
        }
    }

    private void Start()
    {
        _kit = new ActorTestKit(schema: ParametersActor.AddTo(new EventSchema()), disk: _disk);
        _work = new VirtualWorkPool { Delay = TimeSpan.Zero };
        _work.Attach(_kit);
        _client = _kit.CreateProbe("client");
        _listener = _kit.CreateProbe("listener");
        _kit.System.EventStream.Subscribe<NetworkParametersChanged>(_listener.Ref);
        _certificate = _kit.CreateProbe("certificate");
        _kit.System.EventStream.Subscribe<CertificateStatusWanted>(_certificate.Ref);
        _kit.ActorOf(Props.Create(() => _actor = new ParametersActor(Identities.A, _client.Ref, _work)), "parameters");
    }

    private void Publish(CertificateState state)
    {
        _kit.System.EventStream.Publish(new CertificateStatus(state, Identities.Now, 1, Identities.Now, Identities.Now, null));
        _kit.Settle();
    }

    private void Answer(byte[] body)
    {
        CallRegistry call = _client.ExpectMsg<CallRegistry>(TimeSpan.FromHours(2));
        Assert.Equal(RegistryMethod.GetNetworkConfig, call.Method);
        _client.Reply(new RegistryAnswered(call.Tag, body));
        _kit.Advance(TimeSpan.Zero);
    }

    private void Fail()
    {
        CallRegistry call = _client.ExpectMsg<CallRegistry>(TimeSpan.FromHours(2));
        _client.Reply(new RegistryUnreachable(call.Tag, "connection refused"));
    }

    private static byte[] Body(ulong number, int clientCount = 10) => Body(VersionSigner.Sign(Identities.Authority, number), clientCount);

    private static byte[] Body(NetworkVersion version, int clientCount = 10) =>
        new NetworkParameters { Version = version, Protocol = 10, RegistryPrefix = Identities.B.Prefix, ClientCount = clientCount }.Encode();
}
