using Mesh.Protocol.Addressing;
using Mesh.Registry.Sessions;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Tests.Sessions;

public sealed class SessionsActorTests
{
    private const string Target = "/getNetworkConfig?cn=0000000000000000";

    private readonly RegistryWorld _world = new();
    private readonly NodePrefix _node;

    public SessionsActorTests() => _node = _world.Join().Prefix;

    [Fact]
    public void A_session_advances_with_each_request_and_replays_fail()
    {
        SessionKey key = Hello();
        Accept(key);
        Refuse(key);
        Accept(Next(key));
        Refuse(key);
    }

    [Fact]
    public void A_hello_of_somebody_else_does_not_break_the_session_in_use()
    {
        SessionKey mine = Hello();
        Accept(mine);
        SessionKey stranger = Hello(), second = Hello();
        Accept(Next(mine));
        Refuse(stranger);
        Refuse(second);
        Accept(Next(Next(mine)));
    }

    [Fact]
    public void The_first_hello_is_in_use_at_once_and_the_last_one_offered()
    {
        SessionKey first = Hello(), second = Hello(), third = Hello();
        Refuse(second);   // replaced by the third before it was used
        Accept(third);
        Refuse(first);    // a previous session dies when the new one is used
        Accept(Next(third));
    }

    [Fact]
    public void The_protocol_is_that_of_the_hello_whose_key_was_used()
    {
        SessionKey old = Hello(protocol: 6), fresh = Hello(protocol: 10);
        Assert.Equal(10, Ask<Authenticated>(new Authenticate(_node, Target, Header(fresh))).Accepted.Protocol);
        Refuse(old);
    }

    [Fact]
    public void A_wrong_request_changes_nothing()
    {
        SessionKey key = Hello();
        Ask<WrongMac>(new Authenticate(_node, Target, Mac: null));
        Ask<WrongMac>(new Authenticate(_node, Target, "not base64"));
        Ask<WrongMac>(new Authenticate(_node, Target + "&x=1", Header(key)));
        Accept(key);
    }

    [Fact]
    public void Without_certificate_there_is_no_hello_and_without_hello_no_session()
    {
        Ask<NoCertificate>(new SayHello(RegistryWorld.Bits("1"), 10));
        Ask<NoSession>(new Authenticate(_node, Target, Mac: null));
        Assert.Equal(0, Ask<SessionCount>(new CountSessions()).Count);
    }

    [Fact]
    public void A_prefix_that_loses_its_owner_loses_its_session()
    {
        SessionKey key = Hello();
        Publish(new PrefixFreed(_node));
        Ask<NoSession>(new Authenticate(_node, Target, Header(key)));
    }

    [Fact]
    public void A_prefix_that_loses_its_owner_during_a_hello_gets_no_session()
    {
        _world.Admin.Send(_world.Actors.Sessions, new SayHello(_node, 10));
        Publish(new PrefixFreed(_node));
        _world.Admin.ExpectMsg<NoCertificate>();
        Ask<NoSession>(new Authenticate(_node, Target, Mac: null));
    }

    [Fact]
    public void A_full_work_pool_is_answered_as_overload()
    {
        _world.Pool.IsFull = true;
        Ask<Overloaded>(new SayHello(_node, 10));
        _world.Pool.IsFull = false;
        Accept(Hello());
    }

    private static string Header(SessionKey key) => key.HeaderFor(System.Text.Encoding.ASCII.GetBytes(Target));

    private static SessionKey Next(SessionKey key) => key.Ratchet().Ratchet();

    private SessionKey Hello(int protocol = 10) => new(Ask<HelloAnswered>(new SayHello(_node, protocol)).Body);

    private void Accept(SessionKey key)
    {
        AcceptedRequest accepted = Ask<Authenticated>(new Authenticate(_node, Target, Header(key))).Accepted;
        Assert.Equal(key.Ratchet().HeaderFor([]), accepted.AnswerKey.HeaderFor([]));
    }

    private void Refuse(SessionKey key) => Ask<WrongMac>(new Authenticate(_node, Target, Header(key)));

    private void Publish(object published)
    {
        _world.Kit.System.EventStream.Publish(published);
        _world.Kit.Settle();
    }

    private T Ask<T>(SessionCommand command)
    {
        _world.Admin.Send(_world.Actors.Sessions, command);
        return _world.Admin.ExpectMsg<T>();
    }
}
