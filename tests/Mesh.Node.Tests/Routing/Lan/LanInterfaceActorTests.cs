using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Node.Certificates;
using Mesh.Node.Parameters;
using Mesh.Node.Ports;
using Mesh.Node.Routing;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tests.Doubles;
using Mesh.Node.Tunnels;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;

namespace Mesh.Node.Tests.Routing.Lan;

public sealed class LanInterfaceActorTests
{
    private const string Name = "eth0";

    private static readonly Ipv6Address One = Ipv6Address.Parse("fe80::1"), Two = Ipv6Address.Parse("fe80::2");

    private readonly ActorTestKit _kit = new();
    private readonly RecordingLinkWatch _watch = new();
    private readonly TestProbe _router;
    private readonly TestProbe _told;
    private readonly ActorRef _lan;

    public LanInterfaceActorTests()
    {
        (_router, _told) = (_kit.CreateProbe("router"), _kit.CreateProbe("told"));
        _kit.System.EventStream.Subscribe<LanInterfaceStatus>(_told.Ref);
        _lan = _kit.ActorOf(Props.Create(() => new LanInterfaceActor(Name, _watch, _router.Ref)));
    }

    [Fact]
    public void It_speaks_once_there_are_the_interface_and_the_networks_keys()
    {
        See(View(7, One));
        Expect(LanInterfaceState.Waiting, "not known yet");
        Assert.Equal(0, _router.PendingCount);
        Parameters();
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
        Assert.Equal(new LanInterfaceStatus(Name, LanInterfaceState.Speaking, 7, One, Problem: null) { Starts = 1 }, Last());
        Parameters();   // others: the router's business
        Assert.Equal(0, _router.PendingCount);
    }

    [Fact]
    public void One_that_is_not_there_is_waited_for_and_complained_of_once()
    {
        Parameters();
        Assert.Empty(_kit.Log.Entries);   // nobody has looked yet
        See(null);
        Expect(LanInterfaceState.Absent, "no such interface");
        See(null);
        _kit.Advance(TimeSpan.FromHours(1));
        Assert.Single(_kit.Log.Entries, static entry => entry.Level == LogLevel.Warning);
        See(View(7, One));
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
        See(null);
        Assert.Equal([Down(7)], _router.ReceiveAll());
        Expect(LanInterfaceState.Absent, "no such interface");
        See(View(8, One));   // another one of the same name
        Assert.Equal([Up(8, One)], _router.ReceiveAll());
    }

    [Fact]
    public void One_that_is_there_and_of_no_use_yet_is_waited_for()
    {
        Parameters();
        See(View(7) with { IsRunning = false });
        Expect(LanInterfaceState.Waiting, "no carrier");
        See(View(7));
        Expect(LanInterfaceState.Waiting, "no link-local address");
        See(null);
        Expect(LanInterfaceState.Absent, "no such interface");
        Assert.Equal(0, _router.PendingCount);
    }

    [Fact]
    public void A_cable_that_is_pulled_ends_it_and_one_that_is_plugged_in_begins_anew()
    {
        Speak();
        See(View(7, One) with { IsRunning = false });
        Assert.Equal([Down(7)], _router.ReceiveAll());
        Expect(LanInterfaceState.Waiting, "no carrier");
        See(View(7, One));
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
        Assert.Equal(2, Last().Starts);
    }

    [Fact]
    public void Our_address_stays_as_long_as_it_is_there()
    {
        Speak();
        See(View(7, Two, One));
        Assert.Equal(0, _router.PendingCount);
        See(View(7, Two));
        Assert.Equal([Up(7, Two)], _router.ReceiveAll());
        Assert.Equal((LanInterfaceState.Speaking, Two), (Last().State, Last().Address!.Value));
        See(View(7));
        Assert.Equal([Down(7)], _router.ReceiveAll());
        Expect(LanInterfaceState.Waiting, "no link-local address");
    }

    [Fact]
    public void What_was_lost_for_a_moment_begins_anew()
    {
        Speak();
        See(View(7, One) with { Losses = 1 });
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
        Assert.Equal(2, Last().Starts);
    }

    [Fact]
    public void Another_interface_takes_the_place_of_the_old_one()
    {
        Speak();
        See(View(9, Two));
        Assert.Equal([Down(7), Up(9, Two)], _router.ReceiveAll());
    }

    [Fact]
    public void A_port_that_another_program_has_is_tried_again_and_complained_of_once()
    {
        Speak();
        for (int i = 0; i < 3; i++)
        {
            Fail(7);
            Expect(LanInterfaceState.Refused, "somebody has it");
            _kit.Advance(LanInterfaceActor.RetryDelay - TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, _router.PendingCount);
            _kit.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal([Up(7, One)], _router.ReceiveAll());
            Assert.Equal(LanInterfaceState.Speaking, Last().State);
        }

        Assert.Single(_kit.Log.Entries, static entry => entry.Level == LogLevel.Warning);
        Fail(6);   // of what it was before
        Assert.Equal(0, _told.PendingCount);
    }

    [Fact]
    public void While_its_port_is_refused_it_may_change()
    {
        Speak();
        Fail(7);
        See(View(7, One, Two));
        Assert.Equal(0, _router.PendingCount);   // that helps nothing
        See(View(7, Two));
        Assert.Equal([Up(7, Two)], _router.ReceiveAll());
        Fail(7);
        See(View(7, Two) with { IsRunning = false });
        Expect(LanInterfaceState.Waiting, "no carrier");
        See(View(7, Two));
        Fail(7);
        See(null);
        Expect(LanInterfaceState.Absent, "no such interface");
        _kit.Advance(TimeSpan.FromHours(1));
        Assert.Equal([Up(7, Two)], _router.ReceiveAll());   // nothing was taken back: the router has no link that failed
    }

    [Fact]
    public void A_node_that_may_not_serve_is_silent_on_the_lan_too()
    {
        Speak();
        Certificate(CertificateState.Revoked);
        Assert.Equal([Down(7)], _router.ReceiveAll());
        Expect(LanInterfaceState.Waiting, "out of service");
        Certificate(CertificateState.Valid);
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
    }

    [Fact]
    public void A_router_that_was_restarted_is_told_again()
    {
        _kit.System.EventStream.Publish(new RoutingLinksWanted());
        _kit.Settle();
        Assert.Equal(0, _router.PendingCount);
        Speak();
        _kit.System.EventStream.Publish(new RoutingLinksWanted());
        _kit.Settle();
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
    }

    [Fact]
    public void When_it_is_stopped_the_router_is_told_and_nothing_is_watched_any_more()
    {
        Speak();
        _kit.System.Stop(_lan);
        _kit.Settle();
        Assert.Equal([Down(7)], _router.ReceiveAll());
        Assert.Empty(_watch.Owners);
    }

    private static LinkView View(int index, params Ipv6Address[] addresses) => new(index, IsRunning: true, [.. addresses]);

    private static KernelLinkUp Up(int link, Ipv6Address address) => new(link, IsShared: true) { Lan = new LanLink(Name, address) };

    private static KernelLinkDown Down(int link) => new(link) { Name = Name };

    private void See(LinkView? link) => Tell(new LinkSeen(Name, link));

    private void Fail(int link) => Tell(new KernelLinkFailed(link, "somebody has it"));

    private void Tell(object message)
    {
        _lan.Tell(message);
        _kit.Settle();
    }

    private void Publish(object message)
    {
        _kit.System.EventStream.Publish(message);
        _kit.Settle();
    }

    private void Parameters() => Publish(new NetworkParametersChanged(new NetworkParameters { Version = NetworkVersion.Initial, Protocol = 10, RegistryPrefix = new NodePrefix(0, 16), Hello = TimeSpan.FromSeconds(15) }));

    private void Certificate(CertificateState state) => Publish(new CertificateStatus(state, DateTimeOffset.UnixEpoch, 1, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, Problem: null));

    private void Speak()
    {
        Parameters();
        See(View(7, One));
        Assert.Equal([Up(7, One)], _router.ReceiveAll());
        _told.ReceiveAll();
    }

    private LanInterfaceStatus Last() => _told.ReceiveAll().OfType<LanInterfaceStatus>().LastOrDefault() is { } last ? _last = last : _last;

    private LanInterfaceStatus _last = new("", default, null, null, null);

    private void Expect(LanInterfaceState state, string problem)
    {
        LanInterfaceStatus status = Last();
        Assert.Equal((state, null), (status.State, status.Address));
        Assert.Contains(problem, status.Problem, StringComparison.Ordinal);
    }
}
