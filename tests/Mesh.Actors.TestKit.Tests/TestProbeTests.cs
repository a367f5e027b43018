namespace Mesh.Actors.TestKit.Tests;

/// <summary>An actor that a test speaks and listens through.</summary>
public sealed class TestProbeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ActorTestKit _kit = new();
    private readonly TestProbe _probe;

    public TestProbeTests() => _probe = _kit.CreateProbe("probe");

    [Fact]
    public void Expects_messages_in_order_and_knows_when_and_from_whom_they_came()
    {
        ActorRef puppet = _kit.ActorOf(Puppet.Props);
        puppet.Tell((Action<Puppet>)(_ => _probe.Ref.Tell(1)));
        _kit.Loop.ScheduleTell(3 * Second, _probe.Ref, 2);
        Assert.Equal(1, _probe.ExpectMsg<int>());
        Assert.Equal((puppet, TimeSpan.Zero), (_probe.LastSender, _probe.LastArrival));
        _probe.ExpectMsg(2);
        Assert.Equal((_kit.System.DeadLetters, 3 * Second), (_probe.LastSender, _probe.LastArrival));
    }

    [Fact]
    public void A_message_of_another_type_or_value_fails_with_both()
    {
        _probe.Ref.Tell("text");
        _probe.Ref.Tell(1);
        TestKitException byType = Assert.Throws<TestKitException>(() => _probe.ExpectMsg<int>());
        Assert.StartsWith("/user/probe expected a Int32 and got String: text\n", byType.Message, StringComparison.Ordinal);
        TestKitException byValue = Assert.Throws<TestKitException>(() => _probe.ExpectMsg(2));
        Assert.StartsWith("/user/probe expected 2 and got 1\n", byValue.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_that_never_comes_fails_with_the_reason()
    {
        TestKitException e = Assert.Throws<TestKitException>(() => _probe.ExpectMsg<int>());
        Assert.StartsWith("waiting for a Int32 at /user/probe, which can never come", e.Message, StringComparison.Ordinal);
        _kit.Loop.ScheduleTell(11 * Second, _probe.Ref, 1);
        e = Assert.Throws<TestKitException>(() => _probe.ExpectMsg<int>());
        Assert.StartsWith("waiting for a Int32 at /user/probe, which did not come within 00:00:10", e.Message, StringComparison.Ordinal);
        Assert.Equal(1, _probe.ExpectMsg<int>(limit: 20 * Second));
    }

    [Fact]
    public void Fishing_drops_what_does_not_fit_and_says_how_much_when_nothing_did()
    {
        foreach (object m in (object[])["a", 1, 2, "b", 3])
            _probe.Ref.Tell(m);
        Assert.Equal(2, _probe.FishForMsg<int>(i => i > 1));
        Assert.Equal("b", _probe.ExpectMsg<string>());
        TestKitException e = Assert.Throws<TestKitException>(() => _probe.FishForMsg<string>());
        Assert.EndsWith("dropped meanwhile: 1 messages", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Expecting_nothing_lets_time_pass_and_fails_on_anything()
    {
        _kit.Loop.ScheduleTell(2 * Second, _probe.Ref, "early");
        _probe.ExpectNoMsg(Second);
        Assert.Equal(Second, _kit.Now);
        TestKitException e = Assert.Throws<TestKitException>(() => _probe.ExpectNoMsg(Second));
        Assert.StartsWith("/user/probe expected nothing and got early\n", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sends_and_replies_in_its_own_name()
    {
        TestProbe other = _kit.CreateProbe();
        other.Send(_probe.Ref, "question");
        _probe.ExpectMsg("question");
        _probe.Reply("answer");
        other.ExpectMsg("answer");
        Assert.Equal(_probe.Ref, other.LastSender);
        Assert.Throws<InvalidOperationException>(() => _kit.CreateProbe().Reply("to whom?"));
    }

    [Fact]
    public void Hears_of_the_end_of_what_it_watches()
    {
        ActorRef puppet = _kit.ActorOf(Puppet.Props);
        _probe.Watch(puppet);
        puppet.Tell(PoisonPill.Instance);
        _probe.ExpectTerminated(puppet);
    }

    [Fact]
    public void Takes_all_that_has_arrived()
    {
        _probe.Ref.Tell(1);
        _probe.Ref.Tell("2");
        Assert.Equal([1, "2"], _probe.ReceiveAll());
        Assert.Empty(_probe.ReceiveAll());
        Assert.Equal(0, _probe.PendingCount);
    }

    [Fact]
    public void Probes_have_names_of_their_own() =>
        Assert.Equal(["/user/probe-1", "/user/probe-2"], new[] { _kit.CreateProbe().Ref.Path, _kit.CreateProbe().Ref.Path });
}
